import type { Rule } from "../rule.ts";
import { effectOf } from "../syntax/effects.ts";
import { callsInto, textsOf, topicsOfValue, writtenPath } from "../syntax/queries.ts";
import { topic } from "../syntax/topics.ts";

const GATES =
  /^(?:check|verify|allow|isAllowed|hasPermission|can|authorize|permissions|isAdmin|isTrusted|requirePermission|canAccess|validate|verifySignature|isGranted|grant|enforce|assertPermission)$/u;

/** Objects of somebody else whose name says that they decide over rights or keep the record. */
const GUARDS =
  /^(?!exports|module|this|#|element:).*(?:^|[._])(?:permissions?|polic(?:y|ies)|sandbox|guards?|acl|capabilities|audit(?:or|log)?|integrity|signatures?)$/iu;

export const hooksHost: Rule = {
  id: "hooks-host",
  class: "tampering",
  severity: "high",
  finds:
    "Changing the program that hosts the plugin: its module loader, its bundles, its permission checks, its files or other packages' files.",
  remedy: "Use the hooks that the host offers.",
  syntax(check) {
    const { facts } = check;
    for (const write of facts.writes) {
      const ref = write.ref ?? "";
      const isFunction = write.value.fn !== undefined;
      if (
        write.name === "push" &&
        isFunction &&
        /webpack|chunk|jsonp|dataLayer|parcel|system/iu.test(write.object.ref ?? "")
      ) {
        check.report(write.start, "This takes over the queue through which the host loads its own modules.", {
          end: write.end,
        });
      } else if (/^(?:webpackChunk|webpackJsonp|__webpack_|parcelRequire|System\.)/u.test(ref) && isFunction) {
        check.report(write.start, "This replaces a part of the host's module loader.", { end: write.end });
      } else if (/^require\.cache\.(?:[^.]+|.*\.exports)$/u.test(ref)) {
        check.report(write.start, "This puts its own module in place of one that others have loaded.", {
          severity: "high",
          confidence: "medium",
          end: write.end,
        });
      } else if (
        /^(?:require\.extensions|module\._extensions|module\._cache|module\._pathCache)\./u.test(ref) &&
        isFunction
      ) {
        const { node } = write.value.fn ?? {};
        const rewrites =
          node !== undefined && /\.replace(?:All)?\(\s*["'`]/u.test(check.file.text.slice(node.start, node.end));
        check.report(
          write.start,
          rewrites
            ? "This rewrites the source of every module as it is loaded."
            : "This changes how every module is loaded.",
          { severity: rewrites ? "high" : "low", end: write.end },
        );
      } else if (
        isFunction &&
        GATES.test(write.name) &&
        isYes(write.value.fn?.node, check.file.text) &&
        write.object.ref !== "exports" &&
        write.object.ref !== "module.exports" &&
        write.object.props === undefined &&
        write.object.ref !== "this"
      ) {
        check.report(write.start, `This makes the host's check ${JSON.stringify(write.name)} say yes to everything.`, {
          end: write.end,
        });
      } else if (
        isFunction &&
        GUARDS.test(write.object.ref ?? "") &&
        (isYes(write.value.fn?.node, check.file.text) || isNothing(write.value.fn?.node, check.file.text))
      ) {
        check.report(write.start, "This disarms a part of the host that guards or records.", { end: write.end });
      } else if (isFunction && isService(ref)) {
        check.report(write.start, `This replaces a service of the host (${ref.slice(2)}).`, { end: write.end });
      } else if (
        ref === "document.body.innerHTML" &&
        write.value.isConstant &&
        /<form|password/iu.test(write.value.shape ?? "")
      ) {
        check.report(write.start, "This replaces the host's page by a form of its own.", { end: write.end });
      }
    }
    for (const transfer of check.transfers) {
      if (transfer.when.event !== "fetch" || !transfer.isFixed || !/[?&=/]\uFFFC/u.test(transfer.url ?? "")) continue;
      check.report(transfer.start, "Every request of the page is sent through a machine elsewhere.", {
        end: transfer.end,
      });
    }
    for (const call of callsInto(facts, "write")) {
      const path = writtenPath(call);
      const text = textsOf(path).join(" ");
      if (/(?:^|[/\\])etc[/\\](?:hosts|resolv\.conf|passwd|ssh|sudoers)|drivers[/\\]etc[/\\]hosts/u.test(text)) {
        check.report(call.start, "This changes the machine's own configuration.", { end: call.end });
      } else if (
        (topicsOfValue(path) & topic.editorPath) !== 0 &&
        /node_modules|app\.asar|resources[/\\]app|discord_desktop_core|extensions[/\\]|\.vscode|Code[/\\]User|workbench/u.test(
          text,
        )
      ) {
        check.report(
          call.start,
          `This writes into another program or package: ${JSON.stringify(text.slice(0, 80).replaceAll("\uFFFC", "…"))}.`,
          { end: call.end },
        );
      } else if (path?.ref === "#module-path" || /require\.resolve/u.test(check.source(call.start, call.start + 80))) {
        check.report(call.start, "This overwrites a file of another package.", { end: call.end });
      }
    }
    for (const call of facts.calls) {
      if (
        /(?:webRequest\.on(?:BeforeSendHeaders|HeadersReceived|BeforeRequest)|protocol\.(?:intercept|handle)\w*|setProxy|debugger\.attach|debugger\.sendCommand)$/u.test(
          call.ref,
        )
      ) {
        check.report(call.start, "This stands between the host and the network.", {
          severity: "medium",
          confidence: "medium",
          end: call.end,
        });
      } else if (
        /declarativeNetRequest\.update\w+Rules$/u.test(call.ref) &&
        /content-security-policy|x-frame-options/iu.test(check.source(call.start, call.end))
      ) {
        check.report(call.start, "This takes the protection of other pages away.", { end: call.end });
      } else if (/^module\.(?:register|registerHooks)$/u.test(call.ref)) {
        const isAddress = textsOf(call.args[0]).some((text) => /^(?:data|https?):/u.test(text));
        check.report(call.start, "This changes how every module is loaded.", {
          severity: isAddress ? "high" : "low",
          end: call.end,
        });
      }
    }
  },
};

/** A service of the host that is known, or any part of those that decide over rights and secrets. */
const isService = (ref: string): boolean =>
  /^\?\.(?:permissions|registry|secrets|env)(?:\.\w+)?$|^\?\.(?:http|fetch|net)$/u.test(ref) ||
  (/^\?\.(?:http|fetch|net)\.\w+$/u.test(ref) && effectOf(ref) !== undefined);

/** A function without any body. */
const isNothing = (node: { readonly start: number; readonly end: number } | undefined, text: string): boolean =>
  node !== undefined && /\)?\s*(?:=>)?\s*(?:\{\s*\}|undefined|void 0)$/u.test(text.slice(node.start, node.end));

/** A function that answers `true` whatever it is asked. */
function isYes(
  node: { readonly type: string; readonly start: number; readonly end: number } | undefined,
  text: string,
): boolean {
  return (
    node !== undefined &&
    /(?:=>\s*(?:\(?\s*(?:true|!0|1)\b|Promise\.resolve\((?:true|!0)\))|\(\{\s*(?:ok|valid|isValid|success|allowed|authorized|granted|verified)\s*:\s*(?:true|!0)|\breturn\s+(?:true|!0|\{\s*(?:ok|valid|success|allowed)\s*:\s*(?:true|!0)|Promise\.resolve\((?:true|!0)\)))/u.test(
      text.slice(node.start, Math.min(node.end, node.start + 200)),
    )
  );
}
