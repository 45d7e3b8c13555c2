/** The five schedules of the specification, in NCRONTAB: seconds, minutes, hours, day, month, day of week. */
export const SCHEDULES = {
  hourly: "0 0 * * * *",
  quarter_hourly: "0 */15 * * * *",
  six_hourly: "0 0 */6 * * *",
  daily: "0 0 2 * * *",
  weekly: "0 0 2 * * 0",
} as const;

/**
 * The schedule that an application setting names: one of the five, or an NCRONTAB expression of one's own. null when it is empty:
 * the function is not registered.
 * @throws Error that says what is known; the function app does not start with a schedule that nobody meant
 */
export function scheduleOf(setting: string | undefined, fallback: keyof typeof SCHEDULES | null): string | null {
  const value = setting?.trim() ?? "";
  if (value === "") return fallback === null ? null : SCHEDULES[fallback];
  if (Object.hasOwn(SCHEDULES, value)) return SCHEDULES[value as keyof typeof SCHEDULES];
  if (value.split(/\s+/).length === 6) return value;
  throw new Error(
    `There is no schedule ${JSON.stringify(value)}: give an NCRONTAB expression of six fields, or one of ${Object.keys(SCHEDULES).join(", ")}.`,
  );
}
