import type { Class } from "oxc-parser";
import type { Evaluation, FunctionLike } from "./evaluation.ts";
import { keyName } from "./members.ts";
import { bindPattern } from "./patterns.ts";
import { store } from "./scope.ts";
import { type FunctionInfo, join, NOTHING, Value } from "./value.ts";

/** Follows a function's body with everything that is known to reach it. */
export function enterFunction(
  evaluation: Evaluation,
  node: FunctionLike,
  self: Value = node.type === "ArrowFunctionExpression" ? evaluation.self : NOTHING,
): Value {
  const info = evaluation.functionInfo(node);
  const { scope, when, current, self: outerSelf } = evaluation;
  const body = node.body;
  if (body === null) return new Value({ fn: info });
  evaluation.descend(node, () => {
    if (node.type !== "FunctionDeclaration") evaluation.visit(node);
    evaluation.scope = evaluation.scopeOf(node, scope, true, body.type === "BlockStatement" ? body.body : []);
    evaluation.current = info;
    evaluation.self = self === NOTHING ? info.self : self;
    evaluation.when = {
      fn: info,
      outer: when,
      guards: when.guards | info.guards,
      delayMs: Math.max(when.delayMs, info.delayMs),
      event: info.event === "" ? when.event : info.event,
      eventTarget: info.event === "" ? when.eventTarget : info.eventTarget,
      loops: 0,
      testStart: -1,
      testEnd: -1,
    };
    if (node.type === "FunctionExpression" && node.id !== null)
      store(evaluation.scope.declare(node.id.name), new Value({ fn: info }));
    bindParameters(evaluation, node, info);
    if (body.type === "BlockStatement") evaluation.executeBlock(body.body);
    else evaluation.returns(evaluation.evaluate(body));
  });
  evaluation.scope = scope;
  evaluation.when = when;
  evaluation.current = current;
  evaluation.self = outerSelf;
  return new Value({ fn: info });
}

function bindParameters(evaluation: Evaluation, node: FunctionLike, info: FunctionInfo): void {
  info.wasRead = true;
  for (const [index, parameter] of node.params.entries()) {
    if (parameter.type === "RestElement") {
      bindPattern(evaluation, parameter.argument, info.args.slice(index).reduce(join, NOTHING));
    } else if (parameter.type === "TSParameterProperty") {
      bindPattern(evaluation, parameter.parameter, info.args[index] ?? NOTHING);
    } else bindPattern(evaluation, parameter, info.args[index] ?? NOTHING);
  }
}

export function evaluateClass(evaluation: Evaluation, node: Class): Value {
  if (node.superClass !== null) evaluation.evaluate(node.superClass);
  const members = evaluation.objectOf(node);
  const self = new Value({ props: members });
  let constructor: FunctionInfo | undefined;
  const before = evaluation.self;
  for (const member of node.body.body) {
    evaluation.self = self;
    if (member.type === "MethodDefinition") {
      const name = keyName(evaluation, member.key, member.computed);
      const info = evaluation.functionInfo(member.value);
      if (member.kind === "constructor") constructor = info;
      else if (name !== undefined)
        evaluation.setMember(members, name, member.kind === "get" ? info.returns : new Value({ fn: info }));
    } else if (member.type === "PropertyDefinition" && member.value !== null) {
      const name = keyName(evaluation, member.key, member.computed);
      const value = evaluation.evaluate(member.value);
      if (name !== undefined) evaluation.setMember(members, name, value);
    } else if (member.type === "StaticBlock") evaluation.execute(member);
  }
  for (const member of node.body.body) {
    if (member.type === "MethodDefinition") enterFunction(evaluation, member.value, self);
  }
  evaluation.self = before;
  const value = new Value({ fn: constructor ?? evaluation.functionInfo(node), props: members });
  if (node.id !== null) store(evaluation.scope.declare(node.id.name), value);
  return value;
}
