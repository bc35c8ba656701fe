import { pythonCalls } from "../python/flow.ts";
import { pythonStatements } from "../python/statements.ts";
import type { Rule, TextCheck } from "../rule.ts";
import { CONDITION, describeTags, PRIVATE, tag } from "../syntax/tags.ts";
import { topic } from "../syntax/topics.ts";

const BROUGHT = tag.remote | tag.decoded | tag.media;

export const harmsByPython: Rule = {
  id: "harms-by-python",
  class: "code-execution",
  severity: "high",
  finds:
    "In Python: decoded or remote code that is run, private data that is sent, ways out of a sandbox, shells, persistence and destruction.",
  remedy: "Ship plain code, and ask the host for what it needs.",
  text(check) {
    if (check.file.language !== "python") return;
    const { text } = check.file;
    checkEscapes(check, text);
    for (const call of pythonCalls(text)) {
      const { sink, tags, topics, start } = call;
      if (sink === "code" && (tags & BROUGHT) !== 0) {
        const isPlainCompile = /^(?:re\.)?compile/u.test(call.name) && !/exec|eval/u.test(call.text);
        if (!isPlainCompile)
          check.report(start, `Here ${describeTags(tags & BROUGHT)} run as code.`, { severity: "critical" });
      } else if (
        sink === "code" &&
        /(?:["']\s*\+\s*["']|\bjoin\(|__import__)/u.test(call.text) &&
        /exec|eval|getattr|builtins/u.test(call.name)
      ) {
        check.report(start, "Code or names are put together from pieces and run.", { severity: "high" });
      } else if (sink === "run") {
        if (
          (topics & topic.reverseShell) !== 0 ||
          ((tags & tag.remote) !== 0 && /\/bin\/(?:ba|z|da)?sh|cmd\.exe|fileno|dup2|recv/u.test(text))
        )
          check.report(start, "This opens a command shell to another machine.", { severity: "critical" });
        else if ((tags & (tag.remote | tag.decoded)) !== 0)
          check.report(start, `The command run here comes from ${describeTags(tags & (tag.remote | tag.decoded))}.`, {
            severity: "critical",
          });
        else if ((topics & topic.downloads) !== 0 && (topics & topic.interprets) !== 0)
          check.report(start, "This command downloads something and runs it.", { severity: "critical" });
        else if ((topics & topic.destroys) !== 0)
          check.report(start, "This command deletes files far and wide.", { severity: "critical" });
        else if (
          (topics &
            (topic.autostartCommand | topic.mining | topic.scannerTool | topic.agentBypass | topic.publishes)) !==
          0
        )
          check.report(start, "This command installs, mines, publishes or searches in the user's name.", {
            severity: "high",
          });
        else if ((topics & topic.downloads) !== 0)
          check.report(start, "This command downloads from the network.", { severity: "medium" });
        else if (
          /creationflags|CREATE_NO_WINDOW|DETACHED_PROCESS|start_new_session|STARTF_USESHOWWINDOW|SW_HIDE/u.test(
            call.text,
          ) &&
          /DEVNULL|0x0?8000000|NO_WINDOW|DETACHED|HIDE/u.test(call.text)
        )
          check.report(start, "This starts a process so that nobody sees it.", { severity: "high" });
        else if (/setup\s*\(|cmdclass|install\.run|class \w+\((?:install|develop|egg_info|build_py)\)/u.test(text))
          check.report(start, "This runs a command while the package is being installed.", { severity: "high" });
        else if ((call.guards & CONDITION & ~tag.clock) !== 0)
          check.report(start, `This runs a command depending on ${describeTags(call.guards & CONDITION)}.`, {
            severity: "medium",
          });
      } else if (sink === "send") {
        if ((tags & PRIVATE) !== 0)
          check.report(start, `This sends ${describeTags(tags & PRIVATE)} away.`, { severity: "critical" });
        else if ((topics & topic.metadataUrl) !== 0)
          check.report(start, "This asks the cloud's metadata service for the machine's credentials.", {
            severity: "high",
          });
        else if ((topics & topic.dropUrl) !== 0)
          check.report(start, "This sends data to a place for anonymous drops.", { severity: "high" });
        else if ((tags & (tag.identity | tag.output | tag.listing)) !== 0 && (topics & topic.absoluteUrl) !== 0)
          check.report(start, `This sends ${describeTags(tags & (tag.identity | tag.output | tag.listing))} away.`, {
            severity: "high",
          });
        else if (
          (tags & tag.file) !== 0 &&
          /data\s*=|files\s*=|json\s*=|sendall/u.test(call.text) &&
          (topics & topic.absoluteUrl) !== 0
        )
          check.report(start, "This sends a file's content away.", { severity: "medium" });
        else if (/cmdclass|class \w+\((?:install|develop|egg_info|build_py)\)/u.test(text))
          check.report(start, "This contacts the network while the package is being installed.", { severity: "high" });
      } else if (sink === "resolve") {
        if ((tags & (PRIVATE | tag.identity | tag.decoded | tag.file | tag.output)) !== 0)
          check.report(start, "A name looked up here carries data to the owner of a domain.", { severity: "critical" });
      } else if (sink === "write") {
        if ((topics & (topic.autostartPath | topic.hookPath | topic.pipelinePath | topic.agentPath)) !== 0)
          check.report(start, "This writes to a place from which programs start by themselves or take orders.", {
            severity: "high",
          });
        else if ((tags & tag.remote) !== 0 && /chmod|Popen|os\.system|subprocess|startfile|exec\(/u.test(text))
          check.report(start, "This stores something downloaded that the program later starts.", { severity: "high" });
      } else if (sink === "remove") {
        if (
          /expanduser|Path\.home|\bhome\b|["']\/["']|getcwd|["']~|["'][A-Z]:/u.test(text) &&
          /rmtree|walk|glob/u.test(text)
        )
          check.report(start, "This deletes the user's files.", { severity: "high" });
        if ((call.guards & (tag.locale | tag.identity)) !== 0)
          check.report(start, "This deletes files depending on who the user is.", { severity: "high" });
      } else if (sink === "load" && (tags & BROUGHT) !== 0)
        check.report(start, "Which module is loaded here is decided by decoded or remote data.", { severity: "high" });
    }
  },
};

/** Ways from any object to the interpreter's powers. */
function checkEscapes(check: TextCheck, text: string): void {
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
      /\)\s*\.\s*(?:system|popen|exec\w*|call|run|check_output|Popen|urlopen|socket)|getattr\(\s*__import__/u.test(code)
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
      check.report(statement.start, "This changes the interpreter for every other program part.", { severity: "high" });
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
}
