import type { Context } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";

/** A release as it is told. */
export type Release = Plugin["actions"]["check"]["output"]["released"][number];

/** The address of the latest release of a repository; `url` is that of the API. */
export const latestOf = (url: string, repository: string): string => {
  const [owner = "", name = ""] = repository.split("/");
  return `${url}/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/releases/latest`;
};

/**
 * What the API answered, as a release; `undefined` where the repository has none.
 *
 * @throws Error for any other answer
 */
export function readRelease(repository: string, status: number, text: string): Release | undefined {
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`the API answered ${status}`);
  const { tag_name: tag, html_url: url } = JSON.parse(text) as Record<string, unknown>;
  if (typeof tag !== "string" || tag.length > 200 || typeof url !== "string" || url.length > 2_000)
    throw new Error("the API answered with what is no release");
  return { repository, tag, url };
}

/** Asks for the latest release. The host adds the token; the plugin never has it. */
export async function fetchLatest(
  { fetch }: Pick<Context, "fetch">,
  url: string,
  repository: string,
): Promise<Release | undefined> {
  const { status, body } = await fetch(latestOf(url, repository), {
    headers: { accept: "application/vnd.github+json", "user-agent": "berth.release-watch" },
  });
  return readRelease(repository, status, new TextDecoder().decode(body));
}
