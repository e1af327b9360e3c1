// The S3 server of the embedded stack: versitygw as a library, over a folder and nothing else.
//
// Its own program compiles clients of Azure, of S3 and of ScoutFS and its integration tests too, a quarter of the whole
// build. The command line is the part of its own that the stack uses, with its defaults.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	signal.Ignore(syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	gateway, rest, err := gatewayOf(arguments)
	if err != nil {
		return err
	}
	folder, metadata, options, err := folderOf(rest)
	if err != nil {
		return err
	}
	backend, err := posix.New(folder, metadata, options)
	if err != nil {
		return fmt.Errorf("cannot serve %s: %w", folder, err)
	}
	return embedgw.RunVersityGW(ctx, backend, gateway)
}

func gatewayOf(arguments []string) (*embedgw.Config, []string, error) {
	flags := flag.NewFlagSet("versitygw", flag.ContinueOnError)
	port := flags.String("port", ":7070", "address to listen on")
	region := flags.String("region", "us-east-1", "region told to clients")
	health := flags.String("health", "", "path that answers without a signature")
	accounts := flags.String("iam-dir", "", "folder of the accounts; without it there is the root account alone")
	quiet := flags.Bool("quiet", false, "print no line for each request")
	if err := flags.Parse(arguments); err != nil {
		return nil, nil, err
	}
	if flags.Arg(0) != "posix" {
		return nil, nil, errors.New("usage: versitygw [--port ADDRESS …] posix [--versioning-dir FOLDER …] FOLDER")
	}
	return &embedgw.Config{
		RootUserAccess:    os.Getenv("ROOT_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("ROOT_SECRET_KEY"),
		Region:            *region,
		Ports:             []string{*port},
		HealthPath:        *health,
		IAMDir:            *accounts,
		Quiet:             *quiet,
		MaxConnections:    250000,
		MaxRequests:       100000,
		MultipartMaxParts: 10000,
		IAMCacheTTL:       120,
		IAMCachePrune:     3600,
	}, flags.Args()[1:], nil
}

func folderOf(arguments []string) (string, meta.MetadataStorer, posix.PosixOpts, error) {
	options := posix.PosixOpts{Concurrency: 5000, IOBufferSize: 1 << 20, CopyObjectThreshold: 5 << 30}
	options.SetNewDirPerm(fs.FileMode(0o755))
	options.SetNewFilePerm(fs.FileMode(0o644))
	flags := flag.NewFlagSet("posix", flag.ContinueOnError)
	flags.StringVar(&options.VersioningDir, "versioning-dir", "", "folder of older versions of objects")
	flags.StringVar(&options.SideCarDir, "sidecar", "", "folder of metadata, where there are no extended attributes")
	if err := flags.Parse(arguments); err != nil {
		return "", nil, options, err
	}
	if flags.NArg() != 1 {
		return "", nil, options, fmt.Errorf("one folder must be given, not %d", flags.NArg())
	}
	if options.SideCarDir != "" {
		metadata, err := meta.NewSideCar(options.SideCarDir)
		return flags.Arg(0), metadata, options, err
	}
	if err := (meta.XattrMeta{}).Test(flags.Arg(0)); err != nil {
		return "", nil, options, fmt.Errorf("%s has no extended attributes: %w", flags.Arg(0), err)
	}
	return flags.Arg(0), meta.XattrMeta{}, options, nil
}
