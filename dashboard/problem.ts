/** What the API says is wrong (RFC 9457), and what to do about it. */
export class Problem extends Error {
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  readonly remedy: string;
  readonly status: number;
  readonly requestId: string;

  constructor(members: Record<string, unknown>, status: number) {
    const text = (name: string, otherwise: string) =>
      typeof members[name] === "string" ? (members[name] as string) : otherwise;
    super(text("detail", ""));
    this.title = text("title", "The call failed");
    this.detail = text("detail", `The server answered ${status}.`);
    this.code = text("code", String(status));
    this.remedy = text("remedy", "");
    this.requestId = text("request_id", "");
    this.status = status;
  }
}
