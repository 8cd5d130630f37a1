import Foundation
import UnderstudyRecords
import UnderstudySchema

/// The studies that come with Understudy, and the reproductions made of them.
public enum BundledStudies {
  /// Several studies that together reproduce one part of the paper.
  public struct Reproduction: Sendable {
    public var name: String
    public var summary: String
    /// Bundled studies, in the order of the report; their files are in a folder of the reproduction's name.
    public var studies: [String]
  }

  public static let reproductions = [
    Reproduction(
      name: "two-layer", summary: "the two-layer sweep (L-shape, recovery, losses) and boundaries in two dimensions",
      studies: ["two-layer", "two-dimensional"]),
    Reproduction(
      name: "theory",
      summary: "the theory's statements on real runs: predicted alignment, unaligned nodes, observers, strong and weak "
        + "nodes, augmentation, low rank, paths between solutions, coverage, training dynamics",
      studies: [
        "alignment-bound", "unaligned-students", "observers", "strong-and-weak", "augmentation", "low-rank",
        "connectivity", "coverage-and-loss", "dynamics",
      ]),
    Reproduction(
      name: "deep",
      summary: "deep students: what each hidden layer learns, when, how that depends on depth and width, what the "
        + "theory predicts of the lowest, and paths between solutions",
      studies: ["deep", "depth", "teacher-width", "deep-bound", "deep-connectivity"]),
    Reproduction(
      name: "layers",
      summary:
        "more on deep students: a factor for each layer, frozen lowest layers, nodes that follow no teacher node, the "
        + "size of the data",
      studies: ["layer-factors", "frozen-layers", "unaligned-layers", "deep-samples"]),
    Reproduction(
      name: "samples",
      summary: "sample complexity in nodes, 1/eps and 1/kappa, and data on the teacher's boundaries",
      studies: ["sample-nodes", "sample-precision", "sample-observation", "boundary-data"]),
    Reproduction(
      name: "activations", summary: "leaky ReLU over its slope, and students with batch normalisation",
      studies: ["leaky-slope", "batch-normalization"]),
    Reproduction(
      name: "images",
      summary: "real images: a convolutional teacher, its pruned oracle, and over-realized students of it",
      studies: ["images"]),
  ]

  private static let texts: [(name: String, bytes: [UInt8])] = [
    ("alignment-bound", PackageResources.alignment_bound_yaml),
    ("augmentation", PackageResources.augmentation_yaml),
    ("batch-normalization", PackageResources.batch_normalization_yaml),
    ("boundary-data", PackageResources.boundary_data_yaml),
    ("connectivity", PackageResources.connectivity_yaml),
    ("coverage-and-loss", PackageResources.coverage_and_loss_yaml),
    ("deep", PackageResources.deep_yaml),
    ("deep-bound", PackageResources.deep_bound_yaml),
    ("deep-connectivity", PackageResources.deep_connectivity_yaml),
    ("deep-samples", PackageResources.deep_samples_yaml),
    ("depth", PackageResources.depth_yaml),
    ("dynamics", PackageResources.dynamics_yaml),
    ("frozen-layers", PackageResources.frozen_layers_yaml),
    ("images", PackageResources.images_yaml),
    ("layer-factors", PackageResources.layer_factors_yaml),
    ("leaky-slope", PackageResources.leaky_slope_yaml),
    ("low-rank", PackageResources.low_rank_yaml),
    ("observers", PackageResources.observers_yaml),
    ("sample-nodes", PackageResources.sample_nodes_yaml),
    ("sample-observation", PackageResources.sample_observation_yaml),
    ("sample-precision", PackageResources.sample_precision_yaml),
    ("strong-and-weak", PackageResources.strong_and_weak_yaml),
    ("teacher-width", PackageResources.teacher_width_yaml),
    ("two-dimensional", PackageResources.two_dimensional_yaml),
    ("two-layer", PackageResources.two_layer_yaml),
    ("unaligned-layers", PackageResources.unaligned_layers_yaml),
    ("unaligned-students", PackageResources.unaligned_students_yaml),
  ]

  /// The names of all bundled studies, sorted.
  public static var names: [String] { texts.map(\.name) }

  /// A bundled study, as ``Study/load(path:scale:overrides:kept:notice:)`` would read its file; nil if there is none of that name.
  ///
  /// - Throws: ``StudyError`` for a scale or an override that the study cannot have.
  public static func load(
    _ name: String, scale: String? = nil, overrides: [String] = [],
    kept: (String, String) -> SourceFile? = { _, _ in nil }, notice: (String) -> Void = { _ in }
  ) throws(StudyError) -> Study? {
    guard let bytes = texts.first(where: { $0.name == name })?.bytes else { return nil }
    let folder = reproductions.first { $0.studies.contains(name) }?.name ?? ""
    return try Study.parse(
      String(decoding: bytes, as: UTF8.self), origin: "Studies/\(folder)/\(name).yaml",
      folder: URL(fileURLWithPath: FileManager.default.currentDirectoryPath), baseName: name, scale: scale,
      overrides: overrides, kept: kept, notice: notice)
  }
}
