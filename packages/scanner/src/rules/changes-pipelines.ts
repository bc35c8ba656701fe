import type { Rule } from "../rule.ts";
import { callsInto, commandTopics, textsOf, topicsOfValue, writtenContent, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

/** A workflow that gathers a repository's secrets. */
export const PIPELINE_THEFT =
  /toJSON\s*\(\s*secrets\s*\)|\$\{\{\s*secrets\.[^}]+\}\}[^\n]{0,200}(?:curl|wget|https?:)|(?:curl|wget)[^\n]{0,200}\$\{\{\s*secrets\.|pull_request_target[^]{0,600}(?:curl|npm (?:i|install|run)|secrets\.)/u;

export const changesPipelines: Rule = {
  id: "changes-pipelines",
  class: "persistence",
  severity: "high",
  finds:
    "Writing build pipelines of a repository (such as `.github/workflows`), registering runners, or asking a hosting service to do so.",
  remedy: "Leave the user's repositories alone.",
  text(check) {
    if (check.file.language !== "yaml" && check.file.language !== "shell") return;
    const match = PIPELINE_THEFT.exec(check.file.text.slice(0, 100_000));
    if (match !== null) check.report(match.index, "This pipeline hands the repository's secrets to somebody.", {});
  },
  syntax(check) {
    for (const call of callsInto(check.facts, "write")) {
      const path = writtenPath(call);
      const isPipeline = (topicsOfValue(path) & topic.pipelinePath) !== 0;
      const isTheft = textsOf(writtenContent(call)).some((text) => PIPELINE_THEFT.test(text.slice(0, 20_000)));
      const isWorkflow = textsOf(writtenContent(call)).some((text) =>
        /(?:^|\n)on:\s*(?:\[|push|pull_request|workflow|schedule|discussion|\n)[^]*\bruns-on:/u.test(
          text.slice(0, 8000),
        ),
      );
      const isSteering =
        /^process\.env\.GITHUB_(?:ENV|PATH)$/u.test(path?.ref ?? "") &&
        textsOf(writtenContent(call)).some((text) =>
          /NODE_OPTIONS|LD_PRELOAD|BASH_ENV|PYTHONSTARTUP|GIT_SSH/u.test(text),
        );
      if (isSteering)
        check.report(call.start, "This makes every later step of the build load foreign code.", { end: call.end });
      else if (isPipeline || isTheft || isWorkflow)
        check.report(call.start, "This writes a build pipeline, which will run with the repository's secrets.", {
          severity: isTheft ? "critical" : "high",
          end: call.end,
        });
    }
    for (const call of check.facts.calls) {
      const isSend = check.transfers.some((transfer) => transfer.start === call.start);
      const isApi = /createOrUpdateFileContents|actions\.create\w+|createWorkflowDispatch|repos\.createOrUpdate/u.test(
        call.ref,
      );
      const topics = call.args.reduce((sum, arg) => sum | topicsOfValue(arg), 0);
      if ((isSend || isApi) && (topics & topic.pipelinePath) !== 0)
        check.report(call.start, "This changes a repository's build pipeline through its hosting service.", {
          end: call.end,
        });
    }
    for (const call of callsInto(check.facts, "run")) {
      const text = commandOf(call.args);
      if (
        (commandTopics(call) & topic.pipelinePath) !== 0 &&
        /\b(?:cp|mv|tee|git|echo|cat|mkdir|curl|gh)\b/u.test(text)
      )
        check.report(call.start, "This command changes a repository's build pipeline.", { end: call.end });
      else if (/config\.sh\s+--url|gh\s+(?:secret|workflow|api)\b|actions-runner/u.test(text))
        check.report(call.start, "This command works on a repository's pipelines or secrets.", { end: call.end });
    }
    for (const transfer of check.transfers) {
      if ((topicsOf(transfer.url) & topic.pipelinePath) !== 0)
        check.report(transfer.start, "This changes a repository's build pipeline through its hosting service.", {
          end: transfer.end,
        });
    }
  },
};
