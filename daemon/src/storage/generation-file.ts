import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeDurably } from "./durable-write.js";

/** Keeps one number in a file; a missing or spoilt file counts as 0, and one that cannot be written as kept. */
export function createGenerationFile(path: string, onFailure: (error: unknown) => void) {
  return {
    load(): number {
      try {
        return Number.parseInt(readFileSync(path, "utf8"), 10) || 0;
      } catch {
        return 0;
      }
    },
    save(ceiling: number): void {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeDurably(path, `${ceiling}\n`);
      } catch (error) {
        onFailure(error);
      }
    },
  };
}
