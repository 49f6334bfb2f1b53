"""Strategy of examples/strategies.yaml: buys the first close above all that was traded since the open."""

from datetime import time

from pydantic import BaseModel, PositiveFloat

from tapedeck import Bar, Strategy

LAST_ENTRY = time(12)


class Breakout(Strategy):
    """Buys once a day in each symbol, after the opening range, and sells at a loss, a profit or the close."""

    class Parameters(BaseModel):
        """Parameters in the session file; `stop_loss` and `take_profit` in percent of the average price."""

        opening_minutes: int = 30
        percent: PositiveFloat = 4
        stop_loss: PositiveFloat = 0.3
        take_profit: PositiveFloat = 0.6

    def on_session_start(self) -> None:
        """Forget the day before."""
        self.highs: dict[str, float] = {}
        self.entered: set[str] = set()

    def on_bar(self, bar: Bar) -> None:
        """Decide at the close of a bar."""
        top = self.highs.get(bar.symbol, bar.high)
        self.highs[bar.symbol] = max(top, bar.high)
        if self.position(bar.symbol):
            self.leave(bar)
        elif bar.close > top and bar.symbol not in self.entered and self.may_enter(bar):
            self.entered.add(bar.symbol)
            self.note(f"{bar.symbol} closed above", top)
            self.buy(bar.symbol, percent=self.parameters.percent, reason="breakout")

    def may_enter(self, bar: Bar) -> bool:
        """Return whether the opening range is complete, and it is not too late."""
        return (
            self.minutes_since_open > self.parameters.opening_minutes and bar.closed_at.time() <= LAST_ENTRY
        )

    def leave(self, bar: Bar) -> None:
        """Sell at a loss or a profit now, else at the close of the session."""
        gain = 100 * (bar.close / self.average_price(bar.symbol) - 1)
        if gain <= -self.parameters.stop_loss or gain >= self.parameters.take_profit:
            self.flatten(bar.symbol)
        elif self.minutes_to_close == 1:
            self.flatten(bar.symbol, on_close=True)
