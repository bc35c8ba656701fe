// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** Convert the inbox */
    "convert": {
      input: Record<string, never>;
      output: {
        "converted": ({
          "file": string;
          "rows": number;
          "problemCount": number;
        })[];
        "problems": ({
          "file": string;
          "message": string;
        })[];
      };
    };
  };
}
