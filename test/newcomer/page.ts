/** docs/newcomer.md: a transcript. */
export type Step = { readonly words: string } | { readonly command: string; readonly shown: string };

const HEAD = `# From a clean clone to a service

Written by \`npm run newcomer\`, which types these lines into a shell with a home folder and a \`systemd --user\` of its own, and shows what they
print. Two things are not what you would see: the login is approved by a local authorization server, which one line of config.toml names, and
the clone comes from a folder.
`;

/** The whole page. Installing prints what npm likes to; it is left out. */
export function newcomerPage(steps: readonly Step[]): string {
  const parts = steps.map((step) => {
    if ("words" in step) return `\n${step.words}\n`;
    const shown = step.shown.trimEnd();
    return `\n\`\`\`console\n$ ${step.command.replace(/git clone --quiet \S+/, "git clone --quiet <this repository>")}${shown === "" ? "" : `\n${shown}`}\n\`\`\`\n`;
  });
  return [HEAD, ...parts].join("");
}
