import type { PluginCard } from "@berth/spec";

import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { layout } from "./layout.ts";

export interface CataloguePage {
  readonly repository: string;
  /** What was searched for. */
  readonly text: string;
  readonly cards: readonly PluginCard[];
  readonly total: { readonly count: number; readonly isCapped: boolean };
  /** Cursor of the next page. */
  readonly next?: string;
}

const MAX_DESCRIPTION = 240;

/** The catalogue for people, whole without a script. */
export function cataloguePage({ repository, text, cards, total, next }: CataloguePage): string {
  const count = `${total.count}${total.isCapped ? "+" : ""} ${total.count === 1 ? "plugin" : "plugins"}`;
  const query = new URLSearchParams({ ...(text !== "" && { q: text }), ...(next !== undefined && { cursor: next }) });
  return layout(
    `${repository}: plugins`,
    markup`<h1><a href="/">${repository}</a></h1>
      <form action="/" method="get" role="search">
        <input
          type="search"
          name="q"
          value="${text}"
          maxlength="400"
          aria-label="Search plugins"
          placeholder="Search plugins"
        /><button>Search</button>
      </form>
      <p class="meta" role="status">${count}${text === "" ? "" : markup` for “${text}”`}</p>
      <ul class="plain">
        ${cards.map(cardItem)}
      </ul>
      ${next === undefined ? "" : markup`<p><a href="/?${query.toString()}" rel="next">More plugins</a></p>`}
      <p class="meta">
        <a href="/reference">API reference</a> · <a href="/openapi.json">OpenAPI</a> ·
        <a href="/index/registry.json">Index</a>
      </p>`,
  );
}

function cardItem(card: PluginCard): Html {
  const { id, displayName, description, version, level, license, categories, downloads, deprecated, scan } = card;
  const cut = description.length > MAX_DESCRIPTION ? `${description.slice(0, MAX_DESCRIPTION)}…` : description;
  const facts = [
    version,
    license,
    `level ${level}`,
    ...categories,
    priceOf(card),
    `${downloads} ${downloads === 1 ? "download" : "downloads"}`,
    ...(scan === undefined ? [] : [`scan ${scan.score}, ${scan.verdict}`]),
  ];
  return markup`<li class="card">
    <h2><a href="/api/v1/plugins/${id}">${displayName}</a></h2>
    <p class="meta">${id} · ${facts.join(" · ")}</p>
    <p>${cut.toWellFormed()}</p>
    ${deprecated === undefined ? "" : markup`<p><strong>Deprecated:</strong> ${deprecated.message}</p>`}
    <p><code>berth install ${id}</code></p>
  </li>`;
}

function priceOf({ pricing: { model, price } }: PluginCard): string {
  if (price === undefined) return model;
  const format = new Intl.NumberFormat("en", { style: "currency", currency: price.currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return `${model} ${format.format(price.amountMinor / 10 ** digits)}`;
}
