// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** Outline */
    "outline": {
      input: {
        "markdown": string;
      };
      output: {
        "headings": ({
          "level": number;
          "text": string;
          "slug": string;
          "line": number;
        })[];
      };
    };
    /** Render as HTML */
    "render": {
      input: {
        "markdown": string;
      };
      output: {
        "html": string;
      };
    };
    /** Read tables */
    "tables": {
      input: {
        "markdown": string;
      };
      output: {
        "tables": ({
          "line": number;
          "columns": (string)[];
          "rows": ({
            [name: string]: string;
          })[];
        })[];
      };
    };
    /** Inspect */
    "inspect": {
      input: {
        "markdown": string;
      };
      output: {
        "words": number;
        "readingMinutes": number;
        "codeBlocks": number;
        "images": number;
        "links": ({
          "line": number;
          "kind": "anchor" | "relative" | "web" | "mail" | "other";
          "url": string;
          "text": string;
        })[];
        "problems": ({
          "line": number;
          "rule": "broken-anchor" | "heading-jump" | "missing-alt" | "empty-link" | "duplicate-heading" | "no-title";
          "message": string;
        })[];
      };
    };
    /** Insert a table of contents */
    "insert_contents": {
      input: {
        "markdown": string;
        "depth"?: number | undefined;
      };
      output: {
        "markdown": string;
        "entries": number;
      };
    };
  };
}
