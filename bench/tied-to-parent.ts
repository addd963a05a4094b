/** Preloaded into every server that the benchmark starts: it ends with the benchmark, however that ends. */
process.once("disconnect", () => process.exit());
process.channel?.unref();
