/** docs/observability.md names every event of the log and every metric, and no other; the dashboard and the alerts query only what there is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { unreadMetrics } from "../helpers/unread-metrics.js";

const ROOT = join(import.meta.dirname, "../../..");
const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const DOC = text("docs/observability.md");

/** Names in code marks that begin a row of a table. */
function rows(pattern: RegExp): string[] {
  const names = [...DOC.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? "");
  return names.filter((name) => pattern.test(name)).sort();
}

function eventsOfSources(): string[] {
  const files = readdirSync(join(ROOT, "daemon/src"), { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => file.endsWith(".ts")).map((file) => text(`daemon/src/${file}`));
  const names = sources.flatMap((source) =>
    [...source.matchAll(/event: "(\w+\.\w+)"/g)].map(([, name]) => name ?? ""),
  );
  return [...new Set(names)].sort();
}

function metricNames(): string[] {
  const described = unreadMetrics()
    .render()
    .matchAll(/^# HELP (\w+) /gm);
  return [...described].map(([, name]) => name ?? "").sort();
}

/** Metrics that a text of queries names, without the endings that a histogram's parts have. */
function queried(queries: string): string[] {
  const names = queries.match(/codex_authd_\w+/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/_(?:bucket|sum|count)$/, "")))];
}

t.test("every event of the log has its row, and no other has", async (t) => {
  t.ok(eventsOfSources().length > 20);
  t.same(rows(/^[a-z]\w*\.\w+$/), eventsOfSources());
});

t.test("every metric has its row, and no other has", async (t) => {
  t.same(rows(/^codex_authd_/), metricNames());
});

t.test("the alerts and the dashboard query metrics that exist", async (t) => {
  for (const path of ["docs/observability/alerts.yml", "docs/observability/grafana.json"]) {
    const names = queried(text(path));
    t.ok(names.length > 3);
    for (const name of names) t.ok(metricNames().includes(name), `${path}: ${name}`);
  }
});

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly refId: string; readonly expr: string }[];
}

t.test(
  "the dashboard is whole: every panel has a place, a source and queries, and every metric a panel",
  async (t) => {
    const dashboard: { uid: string; schemaVersion: number; panels: Panel[] } = JSON.parse(
      text("docs/observability/grafana.json"),
    );
    t.match(dashboard, { uid: "codex-authd", schemaVersion: Number });
    t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    for (const { title, gridPos, datasource, targets } of dashboard.panels) {
      t.ok(gridPos.x + gridPos.w <= 24, `${title} fits`);
      t.equal(datasource.uid, "$datasource");
      t.ok(targets.length > 0 && targets.every(({ expr, refId }) => expr && refId), `${title} has queries`);
    }
    const shown = queried(JSON.stringify(dashboard.panels));
    t.same(
      metricNames().filter((name) => !shown.includes(name)),
      [],
    );
  },
);
