/**
 * Longest turn of the event loop while the work is under way, in ms of this thread's processor time: unlike the time on the
 * wall it does not depend on what else the machine does.
 */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let running = true;
  const watch = new Promise<void>((resolve) => {
    let last = spentMs();
    const turn = () => {
      const now = spentMs();
      longest = Math.max(longest, now - last);
      last = now;
      if (running) setTimeout(turn, 1);
      else resolve();
    };
    setTimeout(turn, 1);
  });
  await work();
  running = false;
  await watch;
  return longest;
}

function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
