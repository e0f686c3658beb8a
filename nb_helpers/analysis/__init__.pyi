from .crossfit import (
    cross_fit as cross_fit,
    cross_fit_learner as cross_fit_learner,
    plot_curve as plot_curve,
    threshold_curve as threshold_curve)
from .ensembles import (
    average_weights as average_weights,
    ensemble_gains as ensemble_gains,
    out_of_fold as out_of_fold,
    RunEpochs as RunEpochs)
from .figures import (
    plot_confusion as plot_confusion,
    plot_history as plot_history,
    plot_mistakes as plot_mistakes)
from .heat import report_heatmaps as report_heatmaps
from .inspect import (
    by_column as by_column,
    compare_with_raters as compare_with_raters,
    label_issues as label_issues,
    report_labels as report_labels)
from .maps import (
    judge_maps as judge_maps,
    plot_maps as plot_maps,
    predict_maps as predict_maps,
    read_maps as read_maps,
    save_maps as save_maps)
from .score import (
    bootstrap as bootstrap,
    confusion as confusion,
    metrics as metrics,
    per_class as per_class,
    Predictions as Predictions,
    soft_scores as soft_scores,
    top_mistakes as top_mistakes)
from .threshold import best_threshold as best_threshold, cut_points as cut_points
from .tta import (
    tta_gain as tta_gain,
    tta_preds as tta_preds,
    View as View)
