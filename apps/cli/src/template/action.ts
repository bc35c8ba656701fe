/** What a template is filled with. */
export interface TemplateValues {
  readonly publisher: string;
  readonly name: string;
  readonly language: "typescript" | "javascript";
  /** Where the CLI's own copy of the SDK lies, for the editor. */
  readonly sdkPath: string;
  /** Where the SDK's list of a plugin's globals lies. */
  readonly globalsPath: string;
}

const manifest = ({ publisher, name, language }: TemplateValues): object => ({
  id: `${publisher}.${name}`,
  version: "0.1.0",
  displayName: name,
  description: "Counts the words of a text.",
  license: "Apache-2.0",
  categories: ["utilities"],
  api: "^1.0",
  runtime: { kind: "javascript", entry: `src/plugin.${language === "typescript" ? "ts" : "js"}` },
  level: "minimal",
  capabilities: ["data_processing"],
  permissions: [],
  contributes: {
    actions: {
      "count-words": {
        title: "Count words",
        description: "How many words a text has, and how often the action was used.",
        input: {
          type: "object",
          properties: { text: { type: "string", maxLength: 1_000_000 } },
          required: ["text"],
          additionalProperties: false,
        },
        output: {
          type: "object",
          properties: { words: { type: "integer", minimum: 0 }, uses: { type: "integer", minimum: 1 } },
          required: ["words", "uses"],
          additionalProperties: false,
        },
      },
    },
  },
});

const BODY = `  actions: {
    async "count-words"({ text }, ctx) {
      const words = text.split(/\\s+/).filter((word) => word !== "").length;
      // What must be remembered goes through ctx.storage: variables may vanish between any two calls.
      const uses = Number((await ctx.storage.get("uses")) ?? 0) + 1;
      await ctx.storage.put("uses", uses);
      return { words, uses };
    },
  },
`;

const typescript = `import { definePlugin } from "@berth/sdk";
import type { Plugin } from "./berth.gen.js";

export default definePlugin<Plugin>({
${BODY}});
`;

const javascript = `// @ts-check
import { definePlugin } from "@berth/sdk";

/** @type {import("@berth/sdk").PluginDefinition<import("./berth.gen.js").Plugin>} */
const plugin = {
${BODY}};

export default definePlugin(plugin);
`;

const tsconfig = ({ sdkPath, globalsPath }: TemplateValues): object => ({
  compilerOptions: {
    target: "es2023",
    lib: ["es2023"],
    types: [],
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    // The SDK comes with the CLI; nothing of it is installed here.
    paths: { "@berth/sdk": [sdkPath] },
  },
  include: ["src", globalsPath],
});

const readme = ({ publisher, name }: TemplateValues): string => `# ${name}

A plugin for Berth.

\`\`\`sh
berth pack .
berth sign ${publisher}.${name}-0.1.0.berth
berth install ${publisher}.${name}-0.1.0.berth
echo '{"text":"one two three"}' | berth run ${publisher}.${name} count-words --input -
\`\`\`
`;

/** Files of a new plugin: path and content. The folder works with nothing published anywhere. */
export function templateFiles(values: TemplateValues): [path: string, content: string][] {
  const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
  const isTypeScript = values.language === "typescript";
  return [
    ["manifest.json", json(manifest(values))],
    ["README.md", readme(values)],
    [".gitignore", "*.berth\n"],
    ["tsconfig.json", json(tsconfig(values))],
    [`src/plugin.${isTypeScript ? "ts" : "js"}`, isTypeScript ? typescript : javascript],
  ];
}
