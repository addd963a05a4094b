/** The rules of axe-core (WCAG 2.2 A and AA, and its best practices), on pages whose own policy forbids every script. */
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/**
 * Everything on `page` that breaks a rule or that axe-core cannot judge, as `rule: selectors`. It enters the page as a debugger does,
 * past the page's Content-Security-Policy, and leaves nothing in it.
 */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression: `(() => { ${axe.source}; return axe.run(document); })()`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`axe-core failed: ${exceptionDetails.text}`);
    const { violations, incomplete, passes } = result.value as AxeResults;
    if (passes.length === 0) throw new Error("axe-core has judged nothing.");
    return [...violations, ...incomplete].map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
    );
  } finally {
    await session.detach();
  }
}
