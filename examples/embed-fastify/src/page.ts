/** One article as the page shows it. */
export interface ShownArticle {
  readonly title: string;
  readonly minutes: number;
  /** HTML of the notes, from a plugin: nothing in the page trusts it, see `CONTENT_SECURITY_POLICY`. */
  readonly html: string;
  readonly terms: readonly { readonly found: string; readonly target: string }[];
}

/** Whatever HTML a plugin answers, it runs no script, loads nothing and sends nothing elsewhere. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1d2433; background: #fbfaf7 }
  h1 { font-size: 1.6rem } form { display: grid; gap: .5rem; margin: 0 0 2rem }
  input, textarea { font: inherit; padding: .5rem; border: 1px solid #c9c5ba; border-radius: .4rem; background: #fff }
  button { font: inherit; padding: .5rem 1rem; border: 0; border-radius: .4rem; background: #24527a; color: #fff; justify-self: start }
  table { border-collapse: collapse } td, th { border: 1px solid #c9c5ba; padding: .2rem .6rem }
  article { border-top: 1px solid #ddd8cc; padding: 1rem 0 } article h2 { font-size: 1.15rem; margin: 0 }
  small { color: #6a6657 } aside { font-size: .9rem; background: #f0ede3; padding: .4rem .7rem; border-radius: .4rem }
`;

export function formatPage(reader: string, articles: readonly ShownArticle[]): string {
  const items = articles.map(
    ({ title, minutes, html, terms }) => `<article>
  <h2>${escape(title)}</h2><small>${minutes} min</small>
  <div>${html}</div>
  ${terms.length === 0 ? "" : `<aside>In our words: ${terms.map(({ found, target }) => `${escape(found)} = ${escape(target)}`).join(", ")}</aside>`}
</article>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reading list</title><style>${STYLE}</style>
<h1>Reading list of ${escape(reader)}</h1>
<form method="post" action="/articles">
  <input name="title" placeholder="Title" aria-label="Title" required maxlength="200">
  <textarea name="notes" rows="4" placeholder="Notes in Markdown" aria-label="Notes" maxlength="20000"></textarea>
  <button>Add to the list</button>
</form>
<form method="post" action="/terms">
  <input name="source" placeholder="Word" aria-label="Word" required maxlength="200">
  <input name="target" placeholder="What we call it" aria-label="What we call it" required maxlength="200">
  <button>Remember the word</button>
</form>
${items.join("\n") || "<p>Nothing to read yet.</p>"}
</html>
`;
}
