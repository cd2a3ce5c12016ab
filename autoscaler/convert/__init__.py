"""PURE: HorizontalPodAutoscalers, KEDA's ScaledObjects and Airflow's chart values as fleets."""
