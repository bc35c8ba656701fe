import { pythonCalls, type PythonCall, type PythonSink } from "../python/flow.ts";
import type { Rule, TextCheck } from "../rule.ts";
import { CONDITION, describeTags, PRIVATE, tag } from "../syntax/tags.ts";
import { topic } from "../syntax/topics.ts";

const BROUGHT = tag.remote | tag.decoded | tag.media;
const INSTALLS = /cmdclass|class \w+\((?:install|develop|egg_info|build_py)\)/u;

type Judge = (check: TextCheck, call: PythonCall, text: string) => void;

/** What makes a call of each kind harmful; the first reason that holds is reported. */
const judges: Readonly<Record<PythonSink, Judge>> = {
  code(check, { tags, name, text: own, start }) {
    const isCompileAlone = /^(?:re\.)?compile/u.test(name) && !/exec|eval/u.test(own);
    if ((tags & BROUGHT) !== 0) {
      if (!isCompileAlone)
        check.report(start, `Here ${describeTags(tags & BROUGHT)} run as code.`, { severity: "critical" });
    } else if (/(?:["']\s*\+\s*["']|\bjoin\(|__import__)/u.test(own) && /exec|eval|getattr|builtins/u.test(name))
      check.report(start, "Code or names are put together from pieces and run.", { severity: "high" });
  },
  run: judgeCommand,
  send(check, { tags, topics, text: own, start }, text) {
    const seen = tags & (tag.identity | tag.output | tag.listing);
    if ((tags & PRIVATE) !== 0)
      check.report(start, `This sends ${describeTags(tags & PRIVATE)} away.`, { severity: "critical" });
    else if ((topics & topic.metadataUrl) !== 0)
      check.report(start, "This asks the cloud's metadata service for the machine's credentials.", {});
    else if ((topics & topic.dropUrl) !== 0) check.report(start, "This sends data to a place for anonymous drops.", {});
    else if (seen !== 0 && (topics & topic.absoluteUrl) !== 0)
      check.report(start, `This sends ${describeTags(seen)} away.`, {});
    else if (
      (tags & tag.file) !== 0 &&
      /data\s*=|files\s*=|json\s*=|sendall/u.test(own) &&
      (topics & topic.absoluteUrl) !== 0
    )
      check.report(start, "This sends a file's content away.", { severity: "medium" });
    else if (INSTALLS.test(text))
      check.report(start, "This contacts the network while the package is being installed.", {});
    else if (/urlretrieve/u.test(own) && STARTS.test(text))
      check.report(start, "This downloads a file that the program later starts.", {});
  },
  resolve(check, { tags, start }) {
    if ((tags & (PRIVATE | tag.identity | tag.decoded | tag.file | tag.output)) !== 0)
      check.report(start, "A name looked up here carries data to the owner of a domain.", { severity: "critical" });
  },
  write(check, { tags, topics, start }, text) {
    if ((topics & (topic.autostartPath | topic.hookPath | topic.pipelinePath | topic.agentPath)) !== 0)
      check.report(start, "This writes to a place from which programs start by themselves or take orders.", {});
    else if ((topics & topic.binaryPath) !== 0)
      check.report(start, "This puts a program where the system starts it.", {});
    else if ((tags & tag.remote) !== 0 && STARTS.test(text))
      check.report(start, "This stores something downloaded that the program later starts.", {});
  },
  remove(check, { guards, start }, text) {
    if (
      /expanduser|Path\.home|\bhome\b|["']\/["']|getcwd|["']~|["'][A-Z]:/u.test(text) &&
      /rmtree|walk|glob/u.test(text)
    )
      check.report(start, "This deletes the user's files.", {});
    if ((guards & (tag.locale | tag.identity)) !== 0)
      check.report(start, "This deletes files depending on who the user is.", {});
  },
  load(check, { tags, start }) {
    if ((tags & BROUGHT) !== 0)
      check.report(start, "Which module is loaded here is decided by decoded or remote data.", {});
  },
};

const STARTS = /chmod|Popen|os\.system|subprocess|startfile|exec\(/u;
const SERVES = topic.autostartCommand | topic.mining | topic.scannerTool | topic.agentBypass | topic.publishes;
const HIDDEN = /creationflags|CREATE_NO_WINDOW|DETACHED_PROCESS|start_new_session|STARTF_USESHOWWINDOW|SW_HIDE/u;

function judgeCommand(check: TextCheck, call: PythonCall, text: string): void {
  const { tags, topics, guards, start, text: own } = call;
  const brought = tags & (tag.remote | tag.decoded);
  const isShell =
    (topics & topic.reverseShell) !== 0 ||
    (/pty\.spawn/u.test(own) && /\bsocket\b/u.test(text)) ||
    ((tags & tag.remote) !== 0 && /\/bin\/(?:ba|z|da)?sh|cmd\.exe|fileno|dup2|recv/u.test(text));
  if (isShell) check.report(start, "This opens a command shell to another machine.", { severity: "critical" });
  else if (brought !== 0)
    check.report(start, `The command run here comes from ${describeTags(brought)}.`, { severity: "critical" });
  else if ((topics & topic.downloads) !== 0 && (topics & topic.interprets) !== 0)
    check.report(start, "This command downloads something and runs it.", { severity: "critical" });
  else if ((topics & topic.destroys) !== 0)
    check.report(start, "This command deletes files far and wide.", { severity: "critical" });
  else if ((topics & SERVES) !== 0)
    check.report(start, "This command installs, mines, publishes or searches in the user's name.", {});
  else if (/\b(?:pip3?|npm|gem|uv)\s+(?:\w+\s+)*(?:-\S+\s+)*(?:https?:|git\+)/u.test(own))
    check.report(start, "This command installs and runs a package from an address.", {});
  else if ((topics & topic.downloads) !== 0)
    check.report(start, "This command downloads from the network.", { severity: "medium" });
  else if ((topics & topic.hidesWindow) !== 0) check.report(start, "This starts a process so that nobody sees it.", {});
  else if (HIDDEN.test(own) && /DEVNULL|0x0?8000000|NO_WINDOW|DETACHED|HIDE/u.test(own))
    check.report(start, "This starts a process so that nobody sees it.", {});
  else if (/setup\s*\(|install\.run/u.test(text) && INSTALLS.test(text))
    check.report(start, "This runs a command while the package is being installed.", {});
  else if ((guards & CONDITION & ~tag.clock) !== 0)
    check.report(start, `This runs a command depending on ${describeTags(guards & CONDITION)}.`, {
      severity: "medium",
    });
}

export const harmsByPython: Rule = {
  id: "harms-by-python",
  class: "code-execution",
  severity: "high",
  finds:
    "In Python: decoded or remote code that is run, private data that is sent, shells, persistence and destruction.",
  remedy: "Ship plain code, and ask the host for what it needs.",
  text(check) {
    if (check.file.language !== "python") return;
    const { text } = check.file;
    for (const call of pythonCalls(text)) judges[call.sink](check, call, text);
  },
};
