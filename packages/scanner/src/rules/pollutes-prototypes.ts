import type { Rule, SyntaxCheck } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

/** Methods that every text, list and object has; giving them back what they were guards against pollution. */
const BUILT_IN =
  /^(?:toLowerCase|toUpperCase|toString|valueOf|replace|replaceAll|substr|substring|slice|split|trim|startsWith|endsWith|indexOf|includes|concat|join|map|filter|hasOwnProperty)$/u;

/** A member that the same file deletes again: the old way to find the global object. */
const isTakenBack = (check: SyntaxCheck, name: string): boolean =>
  /^[\w$]{1,60}$/u.test(name) &&
  new RegExp(`delete\\s+[\\w$.]+(?:\\.|\\[["'])${name.replaceAll("$", "\\$")}\\b`, "u").test(check.file.text);

const DELETES_SOME = /\bdelete\s+[\w$]+\[/u;
const near = (check: SyntaxCheck, at: number): string => check.file.text.slice(Math.max(0, at - 300), at + 300);

export const pollutesPrototypes: Rule = {
  id: "pollutes-prototypes",
  class: "tampering",
  severity: "high",
  finds:
    "Adding members to `Object.prototype` or to the prototype of objects that it did not create, so that every object of the program changes.",
  remedy: "Use an object or class of its own.",
  syntax(check) {
    for (const write of check.facts.writes) {
      const { ref } = write;
      if (ref === undefined) continue;
      const isRoot = /^Object\.prototype\.[^.]+$/u.test(ref) && !/^Object\.prototype\.\*$/u.test(ref);
      const isProto =
        /^\?\.__proto__\.(?!__proto__)[^.]+$|^\?\.constructor\.prototype\.[^.]+$|^\w+\.__proto__\.[^.]+$|^(?:Object|Array|Function)\.__proto__\./u.test(
          ref,
        );
      if (!isRoot && !isProto) continue;
      const isClass = isProto && ref.startsWith("?.constructor") && write.value.fn !== undefined;
      const name = write.name;
      const isRepair = !isRoot && BUILT_IN.test(name) && write.value.fn === undefined && !write.value.isConstant;
      check.report(
        write.start,
        `This adds ${JSON.stringify(name.slice(0, 40))} to the prototype that ${isRoot ? "all objects" : "other objects"} share.`,
        { severity: isClass || isRepair || isTakenBack(check, name) ? "low" : "high", end: write.end },
      );
    }
    for (const call of check.facts.calls) {
      const [target, name] = call.args;
      if (
        /^(?:Object\.defineProperty|Object\.defineProperties|Reflect\.(?:set|defineProperty)|Object\.assign|Object\.setPrototypeOf)$/u.test(
          call.ref,
        ) &&
        (target?.ref === "Object.prototype" ||
          target?.ref === "?.__proto__" ||
          target?.ref === "__proto__" ||
          target?.ref === "?.constructor.prototype")
      ) {
        const isOwn =
          (call.ref === "Object.setPrototypeOf" && target.ref !== "Object.prototype" && target.ref !== "__proto__") ||
          (target.ref === "?.constructor.prototype" && call.ref === "Object.defineProperty") ||
          (name?.shape === undefined ? DELETES_SOME.test(near(check, call.start)) : isTakenBack(check, name.shape));
        check.report(
          call.start,
          `This changes the prototype that all objects share${name?.shape === undefined ? "" : ` (${JSON.stringify(name.shape.slice(0, 40))})`}.`,
          { severity: isOwn ? "low" : "high", end: call.end },
        );
      } else if (/^(?:Object\.prototype|\?\.__proto__)\.__define[GS]etter__$/u.test(call.ref)) {
        const isOwn = target?.shape !== undefined && isTakenBack(check, target.shape);
        check.report(call.start, "This puts an accessor on the prototype that all objects share.", {
          severity: isOwn ? "low" : "high",
          end: call.end,
        });
      } else if (
        /(?:^|\.)(?:JSON\.parse|parse|merge|assign|extend|defaultsDeep|set)$/u.test(call.ref) &&
        call.args.some((arg) =>
          textsOf(arg).some((text) => (topicsOf(text) & topic.pollutes) !== 0 && text.length < 2000),
        )
      ) {
        check.report(call.start, "This brings in an object whose `__proto__` would be merged into every object.", {
          end: call.end,
        });
      }
    }
  },
};
