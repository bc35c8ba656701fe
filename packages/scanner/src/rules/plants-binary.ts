import type { Rule } from "../rule.ts";
import { callsInto, hasOption, textsOf, topicsOfValue, writtenContent, writtenPath } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { topic } from "../syntax/topics.ts";
import { deepTags } from "../syntax/value.ts";

const PRELOADS =
  /^(?:LD_PRELOAD|LD_LIBRARY_PATH|DYLD_INSERT_LIBRARIES|DYLD_LIBRARY_PATH|NODE_OPTIONS|PYTHONSTARTUP|PYTHONPATH|BASH_ENV|PROMPT_COMMAND|GIT_SSH_COMMAND|GIT_EXTERNAL_DIFF|COR_PROFILER|JAVA_TOOL_OPTIONS|ELECTRON_RUN_AS_NODE|PERL5OPT|RUBYOPT)$/u;
const PROGRAM_NAME =
  /(?:bin[/\\][\w.-]+$|\.exe$|\.dll$|\.scr$|\.msi$|\.so(?:\.\d+)?$|\.dylib$|\.node$|\.bat$|\.cmd$|\.vbs$|System32|\.ps1$|\.elf$|\.jar$)/iu;

export const plantsBinary: Rule = {
  id: "plants-binary",
  class: "process",
  severity: "high",
  finds: "Writing programs or libraries where others will start them, or steering the loader towards them.",
  remedy: "Keep to the plugin's own storage.",
  syntax(check) {
    for (const call of callsInto(check.facts, "write")) {
      const path = writtenPath(call);
      const content = writtenContent(call);
      const texts = textsOf(path);
      const isProgram = (topicsOfValue(path) & topic.binaryPath) !== 0 && texts.some((text) => PROGRAM_NAME.test(text));
      const isImage = textsOf(content).some(
        (text) =>
          text.startsWith("MZ") ||
          text.startsWith("\u007FELF") ||
          (text.startsWith("#!") && isProgram) ||
          text.startsWith("TVqQ") ||
          text.startsWith("f0VMR"),
      );
      const isBrought = content !== undefined && (deepTags(content) & (tag.remote | tag.decoded | tag.media)) !== 0;
      const isExecutable =
        hasOption(call, "mode", (value) => value.number !== undefined && (value.number & 0o111) !== 0) &&
        (isBrought || isProgram);
      if (
        isImage ||
        (isProgram && (isBrought || /(?:bin[/\\]|System32|\.node$|\.dll$|\.so|\.dylib$)/iu.test(texts.join(" ")))) ||
        isExecutable
      ) {
        const isBuild = check.file.text.length > 8000 && !isBrought && !isImage;
        check.report(
          call.start,
          `This puts a program on the machine${texts[0] === undefined ? "" : `: ${JSON.stringify(texts[0].slice(0, 80).replaceAll("\uFFFC", "…"))}`}.`,
          { severity: isBrought || isImage ? "critical" : "high", confidence: isBuild ? "low" : "high", end: call.end },
        );
      } else if (isProgram) {
        const isStarted = callsInto(check.facts, "run").some((other) =>
          textsOf(other.args[0]).some((text) => texts.includes(text)),
        );
        check.report(
          call.start,
          `This writes a file that the ${isStarted ? "program then starts" : "system can start"}.`,
          {
            severity: isStarted ? "high" : "medium",
            confidence: isStarted ? "high" : "medium",
            end: call.end,
          },
        );
      }
    }
    for (const call of callsInto(check.facts, "run")) {
      const env = call.args.map((arg) => arg.props?.get("env")?.props).find((props) => props !== undefined);
      const name =
        env === undefined
          ? undefined
          : [...env.keys()].find(
              (key) => PRELOADS.test(key) && !/^(?:NODE_OPTIONS|PYTHONPATH|ELECTRON_RUN_AS_NODE)$/u.test(key),
            );
      if (name !== undefined)
        check.report(call.start, `This makes another program load foreign code by ${name}.`, { end: call.end });
    }
    for (const write of check.facts.writes) {
      const match = /^process\.env\.(\w+)$/u.exec(write.ref ?? "");
      if (match?.[1] === undefined || write.value.shape === "") continue;
      const isPath = match[1].toUpperCase() === "PATH";
      const isForeign =
        textsOf(write.value).some((text) => /^(?:\.{0,2}\/|\/tmp|\uFFFC?\/?\.)|tmp|__dirname/u.test(text)) ||
        /__dirname|tmpdir|homedir/u.test(check.source(write.start, write.end));
      const isNode =
        match[1] === "NODE_OPTIONS" &&
        /--(?:require|import|loader|experimental-loader)|-r\s/u.test(textsOf(write.value).join(" "));
      if (PRELOADS.test(match[1]) && match[1] !== "NODE_OPTIONS" && match[1] !== "ELECTRON_RUN_AS_NODE")
        check.report(write.start, `This makes programs load foreign code by ${match[1]}.`, {
          // Build tools set it for the Python that they start.
          severity: match[1] === "PYTHONPATH" && !isForeign ? "low" : "high",
          end: write.end,
        });
      else if (isNode)
        check.report(write.start, "This makes every Node program load foreign code.", { end: write.end });
      else if (isPath && isForeign)
        check.report(write.start, "This puts a folder of its own in front of the system's programs.", {
          severity: "medium",
          end: write.end,
        });
    }
  },
};
