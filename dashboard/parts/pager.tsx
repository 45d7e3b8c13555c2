export function Pager({ back, on }: { back: (() => void) | null; on: (() => void) | null }) {
  if (back === null && on === null) return null;
  return (
    <nav class="buttons" aria-label="Pages">
      <button type="button" aria-disabled={back === null} onClick={() => back?.()}>
        Back
      </button>
      <button type="button" aria-disabled={on === null} onClick={() => on?.()}>
        Next
      </button>
    </nav>
  );
}
