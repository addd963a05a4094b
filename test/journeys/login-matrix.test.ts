/** Every way to log in, everywhere: each ends in success or in one specific instruction, as docs/login-matrix.md has it. */
import { readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { environmentRows } from "../helpers/login-matrix/environments.js";
import { answerRows } from "../helpers/login-matrix/issuer-answers.js";
import { matrixPage } from "../helpers/login-matrix/page.js";
import { portRows } from "../helpers/login-matrix/port-states.js";
import { createStage } from "../helpers/login-matrix/stage.js";

const PAGE = new URL("../../../docs/login-matrix.md", import.meta.url);

/** Success, or what happened and what to do, with its name. */
const WHOLE_CELL = /^(?:.* Then: )?(?:logged in(?:, .*)?|\S.*\. ?.* \(ERR_[A-Z_]+\))$/;

// Half a minute of waiting for ports and polls, and whatever a busy machine adds to a hundred and fifty commands.
t.setTimeout(400_000);

t.test("every cell is success or one instruction, and the page says the same", async (t) => {
  const stage = await createStage(t);
  const environments = await environmentRows(stage);
  const ports = await portRows(stage);
  const answers = await answerRows(stage);
  for (const { result, withLogin } of environments) {
    t.match(result, WHOLE_CELL);
    t.equal(withLogin, "logged in");
  }
  for (const { port: _port, ...cells } of ports) {
    for (const cell of Object.values(cells)) t.match(cell, WHOLE_CELL);
  }
  for (const { answer: _answer, ...cells } of answers) {
    for (const cell of Object.values(cells)) t.match(cell, WHOLE_CELL);
  }
  t.strictSame(stage.issuer.violations, []);
  const page = matrixPage({ environments, answers, ports });
  if (process.env.WRITE_LOGIN_MATRIX) writeFileSync(PAGE, page);
  t.equal(readFileSync(PAGE, "utf8"), page, "WRITE_LOGIN_MATRIX=1 writes it anew");
});
