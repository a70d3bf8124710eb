"""Every forecaster by name: `FORECASTERS["regression"]().fit(panel).predict(24)`."""

from __future__ import annotations

from analytics.forecaster import Forecasters
from analytics.forecasters.baseline import Climatology, Constant, Drift, Persistence, SeasonalNaive, TrendSeasons
from analytics.forecasters.flow import FlowRegression
from analytics.forecasters.regression import Regression
from analytics.forecasters.response import Response
from analytics.forecasters.settlement import Asaoka, Hyperbolic

FORECASTERS = Forecasters(
    persistence=Persistence,
    seasonal_naive=SeasonalNaive,
    climatology=Climatology,
    drift=Drift,
    trend_seasons=TrendSeasons,
    constant=Constant,
    regression=Regression,
    response=Response,
    flow=FlowRegression,
    hyperbolic=Hyperbolic,
    asaoka=Asaoka,
)
