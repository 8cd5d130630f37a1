import Foundation
import UnderstudyRecords
import UnderstudySchema

/// The studies that come with Understudy, and the reproductions made of them.
public enum BundledStudies {
  /// Several studies that together reproduce one part of the paper.
  public struct Reproduction: Sendable {
    public var name: String
    public var summary: String
    /// Bundled studies, in the order of the report.
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
      summary: "deep students: what each hidden layer learns, when, and how that depends on depth and width",
      studies: ["deep", "depth", "teacher-width"]),
    Reproduction(
      name: "images",
      summary: "real images: a convolutional teacher, its pruned oracle, and over-realized students of it",
      studies: ["images"]),
  ]

  private static let texts: [(name: String, bytes: [UInt8])] = [
    ("alignment-bound", PackageResources.alignment_bound_yaml), ("augmentation", PackageResources.augmentation_yaml),
    ("connectivity", PackageResources.connectivity_yaml),
    ("coverage-and-loss", PackageResources.coverage_and_loss_yaml), ("deep", PackageResources.deep_yaml),
    ("depth", PackageResources.depth_yaml), ("dynamics", PackageResources.dynamics_yaml),
    ("images", PackageResources.images_yaml),
    ("low-rank", PackageResources.low_rank_yaml),
    ("observers", PackageResources.observers_yaml), ("strong-and-weak", PackageResources.strong_and_weak_yaml),
    ("teacher-width", PackageResources.teacher_width_yaml),
    ("two-dimensional", PackageResources.two_dimensional_yaml), ("two-layer", PackageResources.two_layer_yaml),
    ("unaligned-students", PackageResources.unaligned_students_yaml),
  ]

  /// The names of all bundled studies, sorted.
  public static var names: [String] { texts.map(\.name) }

  /// A bundled study, as ``Study/load(path:scale:overrides:kept:notice:)`` would read its file; nil if there is none of that name.
  ///
  /// - Throws: ``StudyError`` for a scale or an override that the study cannot have.
  public static func load(
    _ name: String, scale: String? = nil, overrides: [String] = [], notice: (String) -> Void = { _ in }
  ) throws(StudyError) -> Study? {
    guard let bytes = texts.first(where: { $0.name == name })?.bytes else { return nil }
    return try Study.parse(
      String(decoding: bytes, as: UTF8.self), origin: "Studies/\(name).yaml",
      folder: URL(fileURLWithPath: FileManager.default.currentDirectoryPath), baseName: name, scale: scale,
      overrides: overrides, notice: notice)
  }
}
