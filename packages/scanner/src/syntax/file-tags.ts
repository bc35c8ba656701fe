import { tag } from "./tags.ts";
import { topic, topicsOf } from "./topics.ts";
import { alternatives, type Value } from "./value.ts";

/** Tags that come from which file is read. */
export function fileTags(ref: string | undefined, args: readonly Value[]): number {
  if (ref === undefined || !/(?:^|\.)(?:fs|Deno|Bun|\?\.fs)\b/u.test(ref) || !/read|file|copy/iu.test(ref)) return 0;
  const path = args[0];
  if (path === undefined) return 0;
  let tags = (path.tags & tag.self) !== 0 ? tag.self : 0;
  for (const option of alternatives(path)) {
    const topics = topicsOf(option.shape);
    if ((topics & (topic.credentialPath | topic.walletPath)) !== 0) tags |= tag.credential;
    if ((topics & topic.browserPath) !== 0) tags |= tag.browser;
    if ((topics & topic.media) !== 0) tags |= tag.media;
    // Raw events of keyboards and mice.
    if (option.shape?.startsWith("/dev/input/") === true) tags |= tag.keystroke;
    if (option.shape?.includes("/proc/self/environ") === true) tags |= tag.environment;
  }
  return tags;
}

const OUTPUTS: readonly (readonly [RegExp, number])[] = [
  [
    /\bpbpaste\b|\bxclip\b[^|]{0,80}\s-o|\bxsel\b[^|]{0,80}\s(?:-o|--output)|\bwl-paste\b|\bGet-Clipboard\b/iu,
    tag.clipboard,
  ],
  [/\bxinput\s+(?:--)?test|\bevtest\b|\bshowkey\b|\/dev\/input\//iu, tag.keystroke],
  [
    /\bop\s+(?:read|item|signin)\b|\bpass\s+show\b|\bsecret-tool\s+lookup\b|\bsecurity\s+find-|\bgh\s+auth\s+token\b|\bvault\s+(?:read|kv\s+get)\b|\bbw\s+(?:get|list|export)\b/iu,
    tag.secret,
  ],
];

/** What a command's output tells beyond being output: the clipboard, keys, stored secrets. */
export function outputTags(command: string): number {
  return OUTPUTS.reduce((tags, [pattern, bit]) => (pattern.test(command) ? tags | bit : tags), 0);
}
