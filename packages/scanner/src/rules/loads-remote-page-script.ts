import type { Rule } from "../rule.ts";

export const loadsRemotePageScript: Rule = {
  id: "loads-remote-page-script",
  class: "code-execution",
  severity: "medium",
  finds: "Pages that load scripts from elsewhere, send forms to fixed addresses, or redirect by themselves.",
  remedy: "Ship scripts inside the package and send forms through the host.",
  text(check) {
    const { language, text, path } = check.file;
    if (language !== "html" || path.endsWith(".vue") || path.endsWith(".svelte")) return;
    const head = text.slice(0, 1_000_000);
    for (const found of head.matchAll(
      /<(script|iframe|object|embed)\b[^>]{0,400}?\b(?:src|data)\s*=\s*["']?((?:https?:)?\/\/[^"'\s>]{1,200})/giu,
    )) {
      const hasIntegrity =
        /\bintegrity\s*=/iu.test(found[0]) ||
        /\bintegrity\s*=/iu.test(head.slice(found.index, head.indexOf(">", found.index) + 1));
      if (!hasIntegrity)
        check.report(
          found.index,
          `This page loads ${found[1]?.toLowerCase() === "script" ? "a script" : "content"} from ${JSON.stringify((found[2] ?? "").slice(0, 60))}.`,
          {},
        );
    }
    for (const found of head.matchAll(/<form\b[^>]{0,400}?\baction\s*=\s*["']?((?:https?:)?\/\/[^"'\s>]{1,200})/giu)) {
      const end = head.indexOf("</form", found.index);
      const body = head.slice(found.index, end < 0 ? found.index + 4000 : Math.min(end, found.index + 8000));
      if (/type\s*=\s*["']?password|name\s*=\s*["']?(?:card|cvv|cvc|ssn|pin|seed|mnemonic|password)/iu.test(body))
        check.report(found.index, "This form sends passwords or card numbers to a fixed address.", {
          severity: "high",
        });
    }
    const refresh =
      /<meta\b[^>]{0,200}http-equiv\s*=\s*["']?refresh[^>]{0,200}url\s*=\s*["']?(?:https?:|javascript:|data:)/iu.exec(
        head,
      );
    if (refresh !== null) check.report(refresh.index, "This page sends its visitor elsewhere by itself.", {});
    const address =
      /\b(?:href|src|action|data)\s*=\s*["']?\s*(?:javascript:\s*(?!void|;|["'])\S{20}|data:text\/(?:html|javascript))/iu.exec(
        head,
      );
    if (address !== null) check.report(address.index, "Code stands inside an address here.", { confidence: "medium" });
  },
};
