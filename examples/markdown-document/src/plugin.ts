import { definePlugin } from "@berth/sdk";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

import type { Plugin } from "./berth.gen.js";
import { insertContents } from "./contents.ts";
import { headingsOf, parse } from "./document.ts";
import { inspect } from "./inspect.ts";
import { tables } from "./tables.ts";

export default definePlugin<Plugin>({
  actions: {
    outline: ({ markdown }) => ({ headings: headingsOf(parse(markdown)) }),
    // Micromark's defaults: raw HTML is shown as text, addresses other than web, mail and the like are emptied.
    render: ({ markdown }) => ({ html: micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()] }) }),
    tables: ({ markdown }) => tables(markdown),
    inspect: ({ markdown }) => inspect(markdown),
    insert_contents: (input) => insertContents(input),
  },
});
