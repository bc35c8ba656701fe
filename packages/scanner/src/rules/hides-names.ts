import type { Rule } from "../rule.ts";
import { builtinModules, moduleName, powerfulModules } from "../syntax/references.ts";
import { CONCEALED, made } from "../syntax/tags.ts";

const POWERS: ReadonlySet<string> = new Set(
  (
    "eval Function constructor require process mainModule child_process exec execSync spawn spawnSync fork binding _load dlopen cookie localStorage " +
    "sessionStorage fetch XMLHttpRequest WebSocket sendBeacon env fromCharCode atob __proto__ prototype readFileSync writeFileSync homedir hostname " +
    "getBuiltinModule createElement clipboard readText Buffer execFile unref global globalThis importScripts Worker ethereum"
  ).split(" "),
);

export const hidesNames: Rule = {
  id: "hides-names",
  class: "obfuscation",
  severity: "high",
  finds:
    "Names of modules, functions or members that are put together from pieces, reversed or encoded so that a search does not find them.",
  remedy: "Write the name plainly.",
  syntax(check) {
    for (const load of check.facts.loads) {
      const { specifier } = load;
      if (load.isStatic || specifier.made === 0 || !specifier.isConstant || specifier.shape === undefined) continue;
      const name = moduleName(specifier.shape);
      const isHidden = (specifier.made & CONCEALED) !== 0 && !/^[./]/u.test(name);
      if (!isHidden && !(builtinModules.has(name) && (specifier.made & made.concat) !== 0)) continue;
      const isGrave = powerfulModules.has(name) || !builtinModules.has(name);
      check.report(
        load.start,
        `This loads the module ${JSON.stringify(specifier.shape.slice(0, 60))}, whose name was put together to hide it.`,
        { severity: isGrave ? "high" : "medium", end: load.end },
      );
    }
    for (const read of check.facts.reads) {
      if (read.nameMade === 0) continue;
      const name = read.ref.slice(read.ref.lastIndexOf(".") + 1);
      const isHidden = (read.nameMade & CONCEALED & ~made.percent) !== 0 || POWERS.has(name);
      if (!isHidden || !/^[\w$]{2,}$/u.test(name)) continue;
      check.report(
        read.start,
        `This reaches ${JSON.stringify(read.ref.replace("?.", "").slice(0, 60))} by a name that was put together to hide it.`,
        { severity: POWERS.has(name) ? "high" : "medium", end: read.end },
      );
    }
    for (const call of check.facts.calls) {
      if (call.ref !== "Reflect.get" && call.ref !== "Reflect.construct" && call.ref !== "Reflect.apply") continue;
      const key = call.args[1];
      if (key?.isConstant === true && key.made !== 0 && POWERS.has(key.shape ?? "")) {
        check.report(
          call.start,
          `This reaches ${JSON.stringify(key.shape)} by a name that was put together to hide it.`,
          { end: call.end },
        );
      }
    }
  },
};
