import type { Rule } from "../rule.ts";
import type { CallFact } from "../syntax/facts.ts";
import { callsInto, commandTopics, topicsOfValue, writtenContent, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { tag } from "../syntax/tags.ts";
import { topic } from "../syntax/topics.ts";
import { deepTags, HOLE, type Value } from "../syntax/value.ts";

const BROUGHT = tag.remote | tag.decoded | tag.media | tag.hidden;

export const downloadsAndRuns: Rule = {
  id: "downloads-and-runs",
  class: "process",
  severity: "critical",
  finds: "A file that is downloaded or decoded, written to disk and then started, or a command that does the same.",
  remedy: "Ship what must run inside the package.",
  syntax(check) {
    const { facts } = check;
    for (const call of callsInto(facts, "run")) {
      const topics = commandTopics(call);
      const text = commandOf(call.args);
      if ((topics & topic.downloads) !== 0 && (topics & topic.interprets) !== 0) {
        check.report(call.start, "This command downloads something and runs it.", { end: call.end });
      } else if (
        /-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{16}|-EncodedCommand|base64\s+(?:-d|-D|--decode)[^|]*\|\s*(?:ba|z)?sh|mshta|regsvr32|rundll32|certutil(?:\.exe)?\s+-decode|IEX\b|Invoke-Expression/iu.test(
          text,
        )
      ) {
        check.report(call.start, "This command decodes or fetches a program and runs it.", { end: call.end });
      } else if ((topics & topic.downloads) !== 0 && /https?:/u.test(text)) {
        const isTool = check.file.text.length > 4000;
        check.report(call.start, "This command downloads from the network.", {
          severity: "medium",
          confidence: isTool ? "low" : "high",
          end: call.end,
        });
      } else if (
        /\b(?:pip3?|npm|npx|gem|cargo|go|bunx|pnpm|yarn)\s+(?:install|i|add|exec|dlx|run)?\s*(?:-[\w-]+\s+)*(?:https?:|git\+|github:)/iu.test(
          text,
        )
      ) {
        check.report(call.start, "This command installs and runs a package from an address.", {
          severity: "high",
          end: call.end,
        });
      }
    }
    for (const call of callsInto(facts, "write")) {
      const topics = topicsOfValue(writtenContent(call));
      if ((topics & topic.downloads) !== 0 && (topics & topic.interprets) !== 0 && callsInto(facts, "run").length > 0)
        check.report(call.start, "This writes a script that downloads something and runs it.", { end: call.end });
    }
    const brought = facts.calls.filter((call) => isWrite(call) && (tagsOf(writtenContent(call)) & BROUGHT) !== 0);
    const piped = facts.calls.filter(
      (call) =>
        call.ref.endsWith(".pipe") &&
        (call.receiver.tags & BROUGHT) !== 0 &&
        (call.args[0]?.ref === "#file" || /createWriteStream/u.test(check.source(call.start, call.end))),
    );
    piped.push(
      ...facts.calls.filter(
        (call) =>
          /(?:^|\.)pipeline$/u.test(call.ref) &&
          call.args.some((arg) => arg.ref === "#file") &&
          call.args.some((arg) => (arg.tags & BROUGHT) !== 0),
      ),
    );
    if (brought.length === 0 && piped.length === 0) return;
    const files = [
      ...brought.map((call) => ({ call, path: writtenPath(call), text: check.source(...firstArgument(call)) })),
      ...facts.calls
        .filter((call) => call.ref.endsWith("createWriteStream") && piped.length > 0)
        .map((call) => ({ call, path: call.args[0], text: check.source(...firstArgument(call)) })),
    ];
    for (const call of facts.calls) {
      const isStart =
        /^(?:child_process\.|execa|Bun\.spawn|Deno\.(?:run|Command)|shelljs\.exec|process\.dlopen|vm\.|shell\.openPath|electron\.shell\.openPath|node-cmd)/u.test(
          call.ref,
        ) ||
        /(?:^|\.)(?:chmod|chmodSync)$/u.test(call.ref) ||
        /^(?:require|module\.require|import-fresh)$/u.test(call.ref);
      if (!isStart) continue;
      const match = files.find((file) => isSame(check.source(call.start, call.end), call.args, file));
      if (match === undefined) continue;
      const isMode = /chmod/u.test(call.ref);
      check.report(
        call.start,
        `${isMode ? "This makes a file executable" : "This starts a file"} that the program wrote on line ${check.file.positionOf(match.call.start).line} from data that is downloaded or decoded.`,
        { severity: isMode ? "high" : "critical", end: call.end },
      );
    }
    for (const load of facts.loads) {
      if (load.isStatic) continue;
      const match = files.find((file) => isSame(check.source(load.start, load.end), [load.specifier], file));
      if (match !== undefined)
        check.report(
          load.start,
          "This loads as a module a file that the program wrote from data that is downloaded or decoded.",
          { end: load.end },
        );
    }
  },
};

const isWrite = (call: CallFact): boolean =>
  /^(?:fs|Deno|Bun|#file)\.(?:write|append|output|create)\w*$/u.test(call.ref);
const tagsOf = (value: Value | undefined): number => (value === undefined ? 0 : deepTags(value));

function firstArgument(call: CallFact): [number, number] {
  const node =
    call.node.type === "CallExpression" || call.node.type === "NewExpression" ? call.node.arguments[0] : undefined;
  return node === undefined ? [call.start, call.start] : [node.start, node.end];
}

/** Whether a call is handed the file: by the same known path, or by the same expression. */
function isSame(
  source: string,
  args: readonly Value[],
  file: { readonly path: Value | undefined; readonly text: string },
): boolean {
  if (
    file.text.length >= 1 &&
    (/^[\w$.]+$/u.test(file.text)
      ? new RegExp(`(?<![\\w$.])${file.text.replaceAll(/[$.]/gu, "\\$&")}(?![\\w$])`, "u").test(source)
      : source.includes(file.text))
  )
    return true;
  const shape = file.path?.shape?.replaceAll(HOLE, "").replace(/^\.?\//u, "");
  if (shape === undefined || shape.length < 3) return false;
  return args.some(
    (arg) =>
      (arg.shape?.includes(shape) ?? false) ||
      (arg.items?.some((item) => item.shape?.includes(shape) === true) ?? false),
  );
}
