"""What the timer function takes: a timer request, as the host hands it over."""


class TimerRequest:
    def __init__(self, past_due: bool = False) -> None:
        self.past_due = past_due
