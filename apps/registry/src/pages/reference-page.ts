import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { layout } from "./layout.ts";

/** The parts of an OpenAPI document that the page shows. */
export interface ShownApi {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> };
  readonly responses?: Readonly<Record<string, unknown>>;
}

const METHODS = ["get", "post", "put", "delete"] as const;

/** The API for people, from the same document that programs read. */
export function referencePage(api: ShownApi): string {
  const operations = Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Partial<Record<string, Operation>>)[method];
      return operation === undefined ? [] : [operationSection(method, path, operation)];
    }),
  );
  return layout(
    `${api.info.title}: reference`,
    markup`<h1>${api.info.title} ${api.info.version}</h1>
      <p>${api.info.description}</p>
      <p>For programs: <a href="/openapi.json">openapi.json</a>.</p>
      ${operations}`,
  );
}

function operationSection(method: string, path: string, operation: Operation): Html {
  const { summary, description, security, parameters = [], requestBody, responses = {} } = operation;
  const body = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) =>
    schema === undefined
      ? markup`<p class="meta">Body: <code>${type}</code></p>`
      : markup`<details>
          <summary>Body: <code>${type}</code></summary>
          <pre>${JSON.stringify(schema, null, 2)}</pre>
        </details>`,
  );
  return markup`<section>
    <h2><code>${method.toUpperCase()} ${path}</code></h2>
    <p>${summary}. ${description}</p>
    ${security === undefined ? "" : markup`<p class="meta">Needs a token${security.some((each) => Object.keys(each).length === 0) ? ", or an open registration" : ""}.</p>`}
    ${parameters.length === 0 ? "" : markup`<p class="meta">Parameters: ${parameters.map(({ name, in: where, required }) => `${name} (${where}${required === true ? "" : ", optional"})`).join(", ")}</p>`}
    ${body}
    <p class="meta">Answers: ${Object.keys(responses).join(", ")}</p>
  </section>`;
}
