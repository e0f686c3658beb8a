from .crossfit import (
    bootstrap_cuts as bootstrap_cuts,
    class_shift as class_shift,
    cross_fit as cross_fit,
    cross_fit_learner as cross_fit_learner,
    plot_curve as plot_curve,
    plot_unstable as plot_unstable,
    threshold_curve as threshold_curve,
    why_unstable as why_unstable)
from .ensembles import (
    average_weights as average_weights,
    ensemble_gains as ensemble_gains,
    out_of_fold as out_of_fold,
    plot_epochs as plot_epochs,
    plot_gains as plot_gains,
    report_epochs as report_epochs)
from .figures import (
    plot_confusion as plot_confusion,
    plot_history as plot_history,
    plot_mistakes as plot_mistakes,
    plot_reliability as plot_reliability,
    plot_roc_pr as plot_roc_pr)
from .inspect import (
    by_column as by_column,
    compare_with_raters as compare_with_raters,
    hardest as hardest,
    label_issues as label_issues,
    plot_by as plot_by,
    plot_heatmaps as plot_heatmaps,
    report_labels as report_labels)
from .maps import (
    evaluate_maps as evaluate_maps,
    judge_maps as judge_maps,
    plot_maps as plot_maps,
    predict_maps as predict_maps,
    read_maps as read_maps,
    save_maps as save_maps)
from .score import (
    bootstrap as bootstrap,
    column_baseline as column_baseline,
    confusion as confusion,
    metrics as metrics,
    per_class as per_class,
    Predictions as Predictions,
    reliability as reliability,
    soft_scores as soft_scores,
    top_mistakes as top_mistakes)
from .threshold import (
    best_threshold as best_threshold,
    cut_outputs as cut_outputs,
    cut_points as cut_points,
    grade_shares as grade_shares)
from .tta import (
    Output as Output,
    random_views as random_views,
    tta_gain as tta_gain,
    tta_preds as tta_preds)
