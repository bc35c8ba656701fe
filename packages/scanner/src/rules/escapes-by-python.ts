import { pythonStatements } from "../python/statements.ts";
import type { Rule } from "../rule.ts";

export const escapesByPython: Rule = {
  id: "escapes-by-python",
  class: "sandbox-escape",
  severity: "high",
  finds: "In Python: ways from any object to the interpreter's powers, and changes to the interpreter for everybody.",
  remedy: "Import what is needed plainly and declare the permission.",
  text(check) {
    if (check.file.language !== "python") return;
    const { text } = check.file;
    for (const statement of pythonStatements(text)) {
      const { code } = statement;
      const whole = `${code} ${statement.strings.join(" ")}`;
      if (
        /__subclasses__|__globals__|__builtins__\s*\[|\bgi_frame|\bf_back\b|\bf_globals|\bcr_frame|\bfunc_globals|__reduce(?:_ex)?__|\bsys\._getframe|__mro__|__bases__|__base__\b|__code__\s*=|\bgc\.get_(?:objects|referrers)/u.test(
          whole,
        )
      ) {
        const isStrong =
          /__subclasses__|gi_frame|f_back|f_globals|__globals__|func_globals|__builtins__\s*\[|get_objects|get_referrers/u.test(
            whole,
          );
        if (/__reduce/u.test(whole) && !/os\.|system|subprocess|exec|eval/u.test(text)) continue;
        check.report(
          statement.start,
          "This climbs from an ordinary object to the interpreter's own powers, the classic way out of a sandbox.",
          { severity: isStrong ? "critical" : "medium" },
        );
      } else if (
        /__import__\(\s*\u0001/u.test(code) &&
        /\)\s*\.\s*(?:system|popen|exec\w*|call|run|check_output|Popen|urlopen|socket)|getattr\(\s*__import__/u.test(
          code,
        )
      ) {
        check.report(statement.start, "This imports a module inside an expression to use its powers unseen.", {
          severity: "high",
        });
      } else if (
        /\bctypes\b.*(?:VirtualAlloc|RtlMoveMemory|CreateThread|mprotect|memmove|WinExec)|\bmmap\.mmap.*PROT_EXEC/u.test(
          whole,
        )
      ) {
        check.report(statement.start, "This puts machine code into memory and runs it.", { severity: "critical" });
      } else if (
        /\bsys\.(?:settrace|setprofile|meta_path|path_hooks)\b.*(?:\(|append|insert|=)|\bbuiltins\.\w+\s*=(?!=)|\b__builtins__\.\w+\s*=(?!=)|\bimportlib\.\w+\s*=(?!=)|\bsocket\.socket\s*=(?!=)|\bjson\.(?:loads|dumps)\s*=(?!=)/u.test(
          code,
        )
      ) {
        check.report(statement.start, "This changes the interpreter for every other program part.", {
          severity: "high",
        });
      } else if (
        /\bgetattr\(\s*\w+\s*,\s*(?:\u0001\d+\u0002\s*\+|\u0001\d+\u0002\s*\[::|\u0001\d+\u0002\.join|chr\(|bytes)/u.test(
          code,
        )
      ) {
        check.report(statement.start, "This reaches a function by a name that is put together to hide it.", {
          severity: "high",
        });
      } else if (/(?<![\w.])(?:exec|eval)\s*\(/u.test(code) && /\blambda\b|\bcompile\(|\bopen\(/u.test(code)) {
        check.report(statement.start, "This runs text as code.", { severity: "medium" });
      }
    }
  },
};
