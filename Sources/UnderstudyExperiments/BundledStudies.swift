import Foundation

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

  /// The file of a bundled study; nil if there is none of that name.
  public static func path(of name: String) -> String? {
    Bundle.module.url(forResource: name, withExtension: "yaml", subdirectory: "Studies")?.path
  }

  /// The names of all bundled studies, sorted.
  public static var names: [String] {
    (Bundle.module.urls(forResourcesWithExtension: "yaml", subdirectory: "Studies") ?? [])
      .map { $0.deletingPathExtension().lastPathComponent }.sorted()
  }
}
