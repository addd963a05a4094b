// Loaded into every test process: a warning fails the run, and nothing but loopback can be reached.
import net from "node:net";

process.on("warning", (warning) => {
  process.exitCode = 1;
  console.error(`not ok - process warning: ${warning.stack ?? warning}`);
  setImmediate(() => {
    throw warning;
  });
});

const connect = net.Socket.prototype.connect;
const loopback = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/;

net.Socket.prototype.connect = function guarded(...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  const host = typeof options === "object" ? options?.host : args[1];
  if (typeof host === "string" && !loopback.test(host))
    throw new Error(`A test tried to reach ${host}: only loopback is allowed.`);
  return connect.apply(this, args);
};
