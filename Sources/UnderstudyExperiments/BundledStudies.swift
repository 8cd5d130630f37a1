import Foundation
import UnderstudyRecords

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
      studies: ["two-layer", "two-dimensional"])
  ]

  private static let texts: [(name: String, bytes: [UInt8])] = [
    ("two-dimensional", PackageResources.two_dimensional_yaml), ("two-layer", PackageResources.two_layer_yaml),
  ]

  /// The names of all bundled studies, sorted.
  public static var names: [String] { texts.map(\.name) }

  /// A bundled study, as ``Study/load(path:scale:overrides:)`` would read its file; nil if there is none of that name.
  public static func load(
    _ name: String, scale: String? = nil, overrides: [String] = []
  ) throws(StudyError) -> Study? {
    guard let bytes = texts.first(where: { $0.name == name })?.bytes else { return nil }
    return try Study.parse(
      String(decoding: bytes, as: UTF8.self), origin: "Studies/\(name).yaml",
      folder: URL(fileURLWithPath: FileManager.default.currentDirectoryPath), baseName: name, scale: scale,
      overrides: overrides)
  }
}
