// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** Analyze a task */
    "analyze_task": {
      input: {
        "task": string;
      };
      output: {
        "kind": "build" | "fix" | "change" | "research" | "write" | "operate" | "other";
        "subject": string;
        "touches": (string)[];
        "questions": (string)[];
        "risks": (string)[];
        "requirements": number;
        "complexity": "small" | "medium" | "large" | "very large";
      };
    };
    /** Estimate complexity */
    "estimate_complexity": {
      input: {
        "task": string;
      };
      output: {
        "points": number;
        "level": "small" | "medium" | "large" | "very large";
        "factors": ({
          "name": "size" | "requirements" | "integrations" | "data" | "safety" | "uncertainty";
          "points": number;
          "because": string;
        })[];
        "hours": {
          "low": number;
          "high": number;
        };
      };
    };
    /** Extract requirements */
    "extract_requirements": {
      input: {
        "text": string;
      };
      output: {
        "requirements": ({
          "id": string;
          "text": string;
          "line": number;
          "kind": "functional" | "quality" | "constraint";
          "priority": "must" | "should" | "may" | "unstated";
          "isMeasurable": boolean;
          "vagueWords": (string)[];
        })[];
      };
    };
    /** Suggest a plan */
    "suggest_plan": {
      input: {
        "task": string;
        "maxSteps"?: number | undefined;
      };
      output: {
        "steps": ({
          "id": string;
          "title": string;
          "because": string;
          "dependsOn": (string)[];
        })[];
        "openQuestions": (string)[];
        "leftOut": number;
      };
    };
    /** Show the history */
    "history": {
      input: {
        "limit"?: number | undefined;
        "before"?: string | undefined;
      };
      output: {
        "runs": ({
          "id": string;
          "at": string;
          "action": string;
          "task": string;
          "result": string;
        })[];
        "hasMore": boolean;
      };
    };
    /** Forget the history */
    "forget": {
      input: Record<string, never>;
      output: {
        "erased": number;
      };
    };
  };
}
