/** Preloaded where koffi is to be absent. */
export const WITHOUT_KOFFI = `data:text/javascript,${encodeURIComponent(`
  import Module from "node:module";
  const load = Module._load;
  Module._load = (name, ...rest) => {
    if (name === "koffi") throw new Error("absent");
    return load(name, ...rest);
  };
`)}`;
