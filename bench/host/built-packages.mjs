// Takes packages of this repository from what the compiler wrote, as somebody has them who installed them.
import { registerHooks } from "node:module";

const SOURCE = "/src/index.ts";

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!specifier.startsWith("@berth/") || !found.url.endsWith(SOURCE)) return found;
    return { ...found, url: `${found.url.slice(0, -SOURCE.length)}/dist/index.js`, format: "module" };
  },
});
