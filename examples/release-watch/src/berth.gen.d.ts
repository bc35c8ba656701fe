// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** Watch a repository */
    "watch": {
      input: {
        "repository": string;
      };
      output: {
        "repositories": (string)[];
      };
    };
    /** Stop watching a repository */
    "unwatch": {
      input: {
        "repository": string;
      };
      output: {
        "repositories": (string)[];
      };
    };
    /** Look for new releases */
    "check": {
      input: null | Record<string, never>;
      output: {
        "checked": number;
        "released": ({
          "repository": string;
          "tag": string;
          "url": string;
        })[];
        "problems": ({
          "repository": string;
          "message": string;
        })[];
      };
    };
  };
}
