"""Published formulas of lens distortion in numpy, and coefficients of lenses as calibrations print them."""

import numpy as np

# Lenses as calibrations print them: a webcam, an action camera with the rational model, and a fisheye.
WEBCAM = [-0.28, 0.074, 1.9e-4, 1.8e-5, -0.0092]
ACTION = [0.51, -0.32, 6e-4, -2e-4, 0.011, 0.86, -0.31, -0.013]
FISHEYE = [-0.0137, 0.0206, -0.0128, 0.0025]
LENSES = [("opencv", WEBCAM[:4]), ("opencv", WEBCAM), ("opencv", ACTION), ("fisheye", FISHEYE)]


def radial_tangential(points, k1, k2, p1, p2, k3=0.0, k4=0.0, k5=0.0, k6=0.0):
    """x'' and y'' of OpenCV's manual, as printed there."""
    x, y = points[:, 0], points[:, 1]
    r = np.hypot(x, y)
    quotient = (1 + k1 * r**2 + k2 * r**4 + k3 * r**6) / (1 + k4 * r**2 + k5 * r**4 + k6 * r**6)
    return np.stack(
        [
            x * quotient + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2),
            y * quotient + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y,
        ],
        1,
    )


def fisheye(points, k1, k2, k3, k4):
    """x' and y' of the manual's fisheye page, as printed there."""
    a, b = points[:, 0], points[:, 1]
    r = np.hypot(a, b)
    theta = np.arctan(r)
    theta_d = theta * (1 + k1 * theta**2 + k2 * theta**4 + k3 * theta**6 + k4 * theta**8)
    return np.stack([theta_d / r * a, theta_d / r * b], 1)


FORMULAS = {"opencv": radial_tangential, "fisheye": fisheye}
