import type { Rule } from "../rule.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

export const harmsByShell: Rule = {
  id: "harms-by-shell",
  class: "process",
  severity: "high",
  finds:
    "In shell scripts and build files: downloads that are run, shells to other machines, persistence, destruction, theft of the environment.",
  remedy: "Ship what must run inside the package.",
  text(check) {
    const { file } = check;
    const isBuild = /(?:^|\/)(?:binding\.gyp|Makefile|Dockerfile)$|\.gypi?$/u.test(file.path);
    if (file.language !== "shell" && file.language !== "yaml" && !isBuild) return;
    let offset = 0;
    for (const line of file.text.slice(0, 2_000_000).split("\n")) {
      const start = offset;
      offset += line.length + 1;
      const code = line.trim();
      if (code === "" || (code.startsWith("#") && !code.startsWith("#!")) || line.length > 20_000) continue;
      const topics = topicsOf(code);
      if ((topics & topic.downloads) !== 0 && (topics & topic.interprets) !== 0)
        check.report(start, "This line downloads something and runs it.", { severity: "critical" });
      else if ((topics & topic.reverseShell) !== 0)
        check.report(start, "This line opens a command shell to another machine.", { severity: "critical" });
      else if ((topics & topic.destroys) !== 0 && file.language === "shell")
        check.report(start, "This line deletes files far and wide.", { severity: "high" });
      else if ((topics & (topic.autostartCommand | topic.hidesWindow)) !== 0 && file.language === "shell")
        check.report(start, "This line makes something start by itself or unseen.", { severity: "high" });
      else if (
        /(?:\benv\b|\bprintenv\b|\bset\b)\s*\|.*(?:curl|nc|wget|base64)|(?:curl|wget)\b.*\$\((?:env|printenv|cat)|\bcurl\b.*(?:-d|--data\S*|-F|-T|--upload-file)\s*[^|]*(?:@|\$\{?\w*(?:TOKEN|SECRET|KEY|PASS)|~\/\.)/u.test(
          code,
        )
      )
        check.report(start, "This line sends environment or files away.", { severity: "critical" });
      else if ((topics & (topic.mining | topic.scannerTool | topic.agentBypass | topic.metadataUrl)) !== 0)
        check.report(start, "This line mines, searches for secrets, or drives an assistant without questions.", {
          severity: "high",
        });
      else if (
        (topics & topic.credentialPath) !== 0 &&
        /\b(?:cat|cp|tar|zip|scp|base64)\b/u.test(code) &&
        file.language === "shell"
      )
        check.report(start, "This line reads credentials.", { severity: "medium" });
      else if (
        isBuild &&
        /<!@?\(\s*(?:node|sh|bash|curl|python)/u.test(code) &&
        !/node-addon-api|nan|include_dir|-p\s|-e\s+["']?require\(["'](?:nan|node-addon-api)/u.test(code)
      )
        check.report(start, "This build file runs a command as soon as it is read.", { severity: "high" });
    }
  },
};
