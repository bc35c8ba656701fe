import { createHash } from "node:crypto";

import { Html, markup } from "./html.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:light-dark(#595959,#b0b0b0)}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:0}
form{display:flex;gap:.5rem;margin:1rem 0}input{flex:1;min-width:0}input,button{font:inherit;padding:.4rem .6rem}
ul.plain{list-style:none;padding:0}li.card,section{border-top:1px solid var(--line);padding:1rem 0}
.meta{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}p{margin:.3rem 0;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,monospace;font-size:.9rem}pre{overflow-x:auto;white-space:pre-wrap}
`;

const styleHash = createHash("sha256").update(STYLE).digest("base64");

/** What a page may load and do: its own style, its own forms, and nothing else. It has no script. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A whole page around its content. */
export function layout(title: string, content: Html): string {
  const style = new Html(STYLE);
  return markup`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body>
${content}
</body>
</html>
`.text;
}
