"""What is fitted beside a model: calibration, correction of resampling, risk categories."""
