import type { Rule } from "../rule.ts";
import { objectMember, offsetOf } from "../package/unverified-manifest.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

const AUTOMATIC =
  /^(?:pre|post)?install$|^(?:pre|post)?uninstall$|^prepare$|^prepublish$|^preprepare$|^postprepare$|^dependencies$/u;
/** Build steps that many honest packages have; a plugin still has no use for them. */
const ORDINARY =
  /^(?:node-gyp(?:-build)?(?: rebuild)?|node-pre-gyp install.*|prebuild-install(?: \|\| node-gyp rebuild)?|husky(?: install)?|is-ci \|\| husky(?: install)?|patch-package|(?:npm|yarn|pnpm)(?: run)? (?:build|compile|prepare|lint|types)|tsc(?: .*)?|tsup|rollup -c|vite build|lerna bootstrap|exit 0|opencollective(?:-postinstall)?(?: \|\| (?:true|exit 0))?|prisma generate|ngcc|simple-git-hooks|lefthook install)$/u;

export const runsAtInstall: Rule = {
  id: "runs-at-install",
  class: "supply-chain",
  severity: "high",
  finds: "Scripts that a package manager runs by itself when the package is installed or removed.",
  remedy: "Remove the script; a plugin's code runs in the sandbox only.",
  package(check) {
    for (const manifest of check.view.manifests) {
      const scripts = objectMember(manifest.value, "scripts");
      for (const [name, command] of Object.entries(scripts)) {
        if (
          !AUTOMATIC.test(name.trim().toLowerCase().normalize("NFKD")) ||
          typeof command !== "string" ||
          command.trim() === ""
        )
          continue;
        const topics = topicsOf(command);
        const isOrdinary = ORDINARY.test(command.trim());
        const isHostile =
          (topics &
            (topic.downloads |
              topic.interprets |
              topic.reverseShell |
              topic.destroys |
              topic.publishes |
              topic.autostartCommand |
              topic.credentialPath)) !==
            0 || /node\s+-e|\beval\b|https?:/u.test(command);
        const isLate = /^prep|^dependencies/u.test(name);
        check.report(
          manifest.path,
          offsetOf(manifest, "scripts", name),
          `The script ${JSON.stringify(name.slice(0, 30))} runs by itself at installation: ${JSON.stringify(command.slice(0, 80))}.`,
          {
            severity: isHostile ? "critical" : isOrdinary ? "low" : isLate ? "low" : "high",
          },
        );
      }
    }
  },
};
