/** What is to be done when this process exits: one listener for all, since Node warns of more than ten. */
const tasks = new Set<() => void>();

/** Runs `task` when this process exits, unless the returned function was called before. */
export function onProcessExit(task: () => void): () => void {
  if (tasks.size === 0) process.on("exit", runTasks);
  tasks.add(task);
  return () => {
    tasks.delete(task);
    if (tasks.size === 0) process.off("exit", runTasks);
  };
}

function runTasks(): void {
  for (const task of tasks) task();
}
