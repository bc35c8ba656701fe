// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** Put terms */
    "put_terms": {
      input: {
        "from": string;
        "to": string;
        "terms": ({
          "source": string;
          "target": string;
          "note"?: string | undefined;
          "keepCase"?: boolean | undefined;
        })[];
      };
      output: {
        "added": number;
        "replaced": number;
        "total": number;
      };
    };
    /** Remove terms */
    "remove_terms": {
      input: {
        "from": string;
        "to": string;
        "sources": (string)[];
      };
      output: {
        "removed": number;
      };
    };
    /** List terms */
    "list_terms": {
      input: {
        "from": string;
        "to": string;
        "prefix"?: string | undefined;
        "after"?: string | undefined;
        "limit"?: number | undefined;
      };
      output: {
        "terms": ({
          "source": string;
          "target": string;
          "note"?: string | undefined;
          "keepCase"?: boolean | undefined;
        })[];
        "hasMore": boolean;
      };
    };
    /** Find terms in a text */
    "find_terms": {
      input: {
        "from": string;
        "to": string;
        "text": string;
      };
      output: {
        "hits": ({
          "start": number;
          "end": number;
          "found": string;
          "target": string;
          "note"?: string | undefined;
        })[];
      };
    };
    /** Protect terms */
    "protect": {
      input: {
        "from": string;
        "to": string;
        "text": string;
      };
      output: {
        "text": string;
        "marks": (string)[];
      };
    };
    /** Restore terms */
    "restore": {
      input: {
        "text": string;
        "marks": (string)[];
      };
      output: {
        "text": string;
        "missing": (string)[];
        "repeated": (string)[];
      };
    };
    /** Check a translation */
    "check": {
      input: {
        "from": string;
        "to": string;
        "source": string;
        "translation": string;
      };
      output: {
        "missing": ({
          "source": string;
          "target": string;
          "expected": number;
          "found": number;
        })[];
        "isComplete": boolean;
      };
    };
  };
}
