import type { Rule } from "../rule.ts";
import { offsetOf, permissionsOf } from "../package/unverified-manifest.ts";

const WIDE = /(?:^|[:._-])\*|^\*|^all$|<all_urls>|unrestricted|:\/\/\*\/|^full|^root$|^admin/iu;
const GRAVE =
  /secret|credential|exec|shell|process|command|network|file|fs|clipboard|cookie|wallet|keychain|user_data|native/iu;

export const asksTooMuch: Rule = {
  id: "asks-too-much",
  class: "package",
  severity: "low",
  finds: "Permissions without limits: every host, every secret, every file.",
  remedy: "Name the hosts, files and secrets that are needed.",
  package(check) {
    for (const manifest of check.view.manifests) {
      if (manifest.kind === "npm") continue;
      const wide = (permissionsOf(manifest) ?? []).filter((name) => WIDE.test(name));
      if (wide.length === 0) continue;
      const grave = wide.filter((name) => GRAVE.test(name) || /^(?:\*|all|full|root|admin)/iu.test(name));
      const hasAll = wide.some((name) => /^(?:\*|all|full|root|admin)$/iu.test(name));
      check.report(
        manifest.path,
        offsetOf(manifest, "permissions"),
        `The plugin asks for permissions without limits: ${wide
          .slice(0, 4)
          .map((name) => JSON.stringify(name.slice(0, 30)))
          .join(", ")}.`,
        {
          severity: grave.length >= 2 || hasAll ? "medium" : "low",
        },
      );
    }
  },
};
