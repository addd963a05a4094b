import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import t from "tap";
import { createTrustStore } from "#daemon/net/trust.js";
import { temporaryFolder } from "../helpers/temp-folder.js";

const [A = "", B = ""] = rootCertificates;

t.test("what is trusted is built once, and anew when a file has changed", async (t) => {
  const folder = temporaryFolder(t);
  const system = join(folder, "system.pem");
  const caFile = { value: join(folder, "ca.pem"), source: "SSL_CERT_FILE" };
  writeFileSync(caFile.value, A);
  const store = createTrustStore([system]);
  const first = store.trustIn(caFile);
  t.equal(store.trustIn(caFile), first);
  t.match(first, { caFile, bundle: { certificates: { length: 1 } } });
  t.match(store.trustIn(null), { caFile: null, bundle: null });
  const sameFile = { ...caFile, source: "CODEX_CA_CERTIFICATE" };
  t.equal(store.trustIn(sameFile).caFile, sameFile, "who named it is told as it is");

  writeFileSync(join(folder, "renewed.pem"), B);
  renameSync(join(folder, "renewed.pem"), caFile.value);
  const renewed = store.trustIn(caFile);
  t.not(renewed.secureContext, first.secureContext);
  writeFileSync(system, A);
  t.not(store.trustIn(caFile).secureContext, renewed.secureContext);
});

t.test("a file that was good and is gone is an error, and its return is noticed", async (t) => {
  const caFile = { value: join(temporaryFolder(t), "ca.pem"), source: "SSL_CERT_FILE" };
  writeFileSync(caFile.value, A);
  const store = createTrustStore([]);
  const first = store.trustIn(caFile);
  renameSync(caFile.value, `${caFile.value}.old`);
  t.throws(() => store.trustIn(caFile), { message: /ENOENT/ });
  renameSync(`${caFile.value}.old`, caFile.value);
  t.equal(store.trustIn(caFile), first);
});

t.test("more CA files than anybody has are forgotten, and read again when they are used", async (t) => {
  const folder = temporaryFolder(t);
  const store = createTrustStore([]);
  const files = Array.from({ length: 17 }, (_, index) => ({
    value: join(folder, `${index}`),
    source: "SSL_CERT_FILE",
  }));
  for (const file of files) writeFileSync(file.value, A);
  const [first] = files.map((file) => store.trustIn(file));
  t.not(store.trustIn(files[0] ?? null), first);
});
